// From a picture to the network's input and from its outputs to what is found, as tools/predict.py does it.

/** Which part of a picture the network sees, by what metadata.json says of it. */
export function partOf(width, height, framing, side) {
  if (framing.startsWith("all of it")) return { left: 0, top: 0, right: width, bottom: height };
  const share = framing.includes("7/8") ? 7 / 8 : 1;
  const scale = side / share / Math.min(width, height);
  // in whole pixels of the picture as it would be with its short side scaled
  const ends = (length) => {
    const scaled = Math.max(Math.round(length * scale), side);
    return [-1, 1].map((sign) => Math.floor((scaled + sign * side) / 2) * length / scaled);
  };
  const [left, right] = ends(width), [top, bottom] = ends(height);
  return { left, top, right, bottom };
}

/** The weights of source pixels for each target pixel; the filter widens as it shrinks. */
function weights(start, stop, length, side, widens) {
  const scale = (stop - start) / side, support = widens ? Math.max(scale, 1) : 1;
  return Array.from({ length: side }, (_, place) => {
    const middle = start + (place + 0.5) * scale;
    const first = Math.floor(middle - support), last = Math.ceil(middle + support);
    const found = new Map();
    let sum = 0;
    for (let pixel = first; pixel <= last; pixel++) {
      const weight = 1 - Math.abs(pixel + 0.5 - middle) / support;
      if (weight <= 0) continue;
      // beyond the edge the last pixel counts, or, of a filter that widens, none
      if (widens && (pixel < 0 || pixel >= length)) continue;
      const inside = Math.min(Math.max(pixel, 0), length - 1);
      found.set(inside, (found.get(inside) ?? 0) + weight);
      sum += weight;
    }
    return [...found].map(([pixel, weight]) => [pixel, weight / sum]);
  });
}

/** Half the size, each pixel the mean of four. */
function halved({ data, width, height }) {
  const columns = width >> 1, rows = height >> 1, made = new Uint8ClampedArray(columns * rows * 4);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const from = (2 * y * width + 2 * x) * 4, to = (y * columns + x) * 4;
      for (let c = 0; c < 3; c++) {
        const below = from + 4 * width;
        made[to + c] = (data[from + c] + data[from + 4 + c] + data[below + c] + data[below + 4 + c] + 2) >> 2;
      }
    }
  }
  return { data: made, width: columns, height: rows };
}

/** A part of a picture as the network's input, RGB, (side, side, 3). */
export function pixelsOf(picture, part, side, widens) {
  let { data, width, height } = picture;
  while (!widens && width >= 2 * side && height >= 2 * side) {
    ({ data, width, height } = halved({ data, width, height }));
  }
  const across = width / picture.width, down = height / picture.height;
  const columns = weights(part.left * across, part.right * across, width, side, widens);
  const rows = weights(part.top * down, part.bottom * down, height, side, widens);
  const lines = new Map(); // of the rows that are needed, shrunk across
  const line = (y) => {
    if (!lines.has(y)) {
      const made = new Float32Array(side * 3);
      columns.forEach((found, x) => {
        for (const [pixel, weight] of found) {
          const from = (y * width + pixel) * 4;
          for (let c = 0; c < 3; c++) made[x * 3 + c] += weight * data[from + c];
        }
      });
      // a filter that widens rounds between its two ways
      lines.set(y, widens ? made.map((value) => Math.floor(value + 0.5)) : made);
    }
    return lines.get(y);
  };
  const input = new Uint8Array(side * side * 3);
  rows.forEach((found, y) => {
    const sum = new Float32Array(side * 3);
    for (const [pixel, weight] of found) line(pixel).forEach((value, i) => { sum[i] += weight * value; });
    sum.forEach((value, i) => { input[y * side * 3 + i] = Math.min(Math.floor(value + 0.5), 255); });
  });
  return input;
}

/** Things with their boxes in pixels of the picture, the surest first. */
function thingsOf(found, labels, part) {
  const count = found.counts.data[0], across = part.right - part.left, down = part.bottom - part.top;
  return Array.from({ length: count }, (_, row) => {
    const [x0, y0, x1, y1] = found.boxes.data.slice(4 * row, 4 * row + 4);
    const label = Number(found.labels.data[row]);
    return {
      id: labels.ids[label], name: labels.names[label], score: found.scores.data[row],
      box: [part.left + x0 * across, part.top + y0 * down, part.left + x1 * across, part.top + y1 * down],
    };
  });
}

/** What the outputs of one head say. */
function saidBy(found, labels, part, most) {
  if (found.boxes) return thingsOf(found, labels, part);
  if (!found.probabilities) return [];
  const scores = [...found.probabilities.data];
  const order = scores.map((_, place) => place).sort((a, b) => scores[b] - scores[a]).slice(0, most);
  return order.map((place) => ({ id: labels.ids[place], name: labels.names[place], score: scores[place] }));
}

/** All that a network says of a picture; of several heads, of each. */
export function foundIn(outputs, labels, part) {
  if (!labels.parts) return saidBy(outputs, labels, part, 5);
  return Object.entries(labels.parts).flatMap(([name, own]) => {
    const start = `${name}_`;
    const share = Object.entries(outputs).filter(([key]) => key.startsWith(start));
    return saidBy(Object.fromEntries(share.map(([key, x]) => [key.slice(start.length), x])), own, part, 40);
  });
}
