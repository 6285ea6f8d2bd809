// Runs the network beside this page on pictures and on the camera, in the browser alone.
import { foundIn, partOf, pixelsOf } from "./looking.js";

const at = (id) => document.getElementById(id);
const view = at("view"), brush = view.getContext("2d", { willReadFrequently: true });
const LOCAL = "runtime/"; // where tools/export.py runtime=DIR lays onnxruntime-web
const LONGEST = 1280; // side of a picture of the camera, in pixels
let about, ort, session, shown = null, stream = null;

function say(text) { at("said").textContent = text; }

/** What the network finds in a picture, and how long that takes. */
async function lookAt(picture) {
  const started = performance.now();
  const side = about.network.image_size;
  const framing = about.preparation.photo;
  const part = partOf(picture.width, picture.height, framing, side);
  const input = pixelsOf(picture, part, side, !framing.startsWith("all of it"));
  const tensor = new ort.Tensor("uint8", input, [1, side, side, 3]);
  const outputs = await session.run({ image: tensor });
  const found = foundIn(outputs, about.network.label_map, part);
  return { found, part, milliseconds: performance.now() - started };
}

function colourOf(id) { return `hsl(${(id * 137.5) % 360} 75% 45%)`; }

/** Draws boxes on the picture, and lists what is found below it. */
function show({ found, part }) {
  const least = at("least").value / 100;
  const sure = found.filter((one) => one.score >= least || (!one.box && one === found[0]));
  const text = Math.max(Math.sqrt(view.width * view.height) * 0.035, 12);
  brush.font = `600 ${text}px system-ui, sans-serif`;
  brush.lineWidth = Math.max(text / 7, 2);
  brush.textBaseline = "bottom";
  if (part.right - part.left < view.width - 1 || part.bottom - part.top < view.height - 1) {
    brush.strokeStyle = "#fff9";
    brush.strokeRect(part.left, part.top, part.right - part.left, part.bottom - part.top);
  }
  // the surest on top
  for (const { box, id, name, score } of sure.filter((one) => one.box).reverse()) {
    const [x0, y0, x1, y1] = box, label = `${name} ${Math.round(100 * score)}%`;
    brush.strokeStyle = brush.fillStyle = colourOf(id);
    brush.strokeRect(x0, y0, x1 - x0, y1 - y0);
    const wide = brush.measureText(label).width + text / 2, top = Math.max(y0, text * 1.3);
    const left = Math.max(Math.min(x0, view.width - wide), 0);
    brush.fillRect(left, top - text * 1.3, wide, text * 1.3);
    brush.fillStyle = "#fff";
    brush.fillText(label, left + text / 4, top - text * 0.1);
  }
  at("found").replaceChildren(...sure.map(({ name, score, box }) => {
    const row = document.createElement("li");
    row.append(Object.assign(document.createElement("span"), { textContent: name }));
    row.append(Object.assign(document.createElement("span"), { textContent: `${(100 * score).toFixed(1)}%` }));
    if (box) row.dataset.box = box.map((value) => value.toFixed(2)).join(" ");
    row.dataset.score = score;
    return row;
  }));
}

/** A picture upright, in its own pixels. */
async function paint(blob) {
  const image = await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  view.width = image.width;
  view.height = image.height;
  brush.fillStyle = "#fff"; // under what is transparent
  brush.fillRect(0, 0, view.width, view.height);
  brush.drawImage(image, 0, 0);
}

async function lookAtPicture(blob) {
  stopCamera();
  try {
    await paint(blob);
    const picture = brush.getImageData(0, 0, view.width, view.height);
    shown = { picture, ...(await lookAt(picture)) };
    show(shown);
    say(`${shown.milliseconds.toFixed(0)} ms`);
  } catch (error) {
    say(`This cannot be looked at: ${error.message}`);
  }
  document.body.dataset.done = "yes";
}

function stopCamera() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  at("camera").textContent = "Camera";
}

async function startCamera() {
  if (stream) { stopCamera(); return; }
  try {
    const wanted = { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } };
    stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
  } catch (error) {
    say(`No camera: ${error.message}. Browsers open one for https:// and localhost`);
    return;
  }
  at("camera").textContent = "Stop";
  const film = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  await film.play();
  let pace = 0, last = performance.now();
  while (stream) {
    const scale = Math.min(LONGEST / Math.max(film.videoWidth, film.videoHeight), 1);
    view.width = film.videoWidth * scale;
    view.height = film.videoHeight * scale;
    brush.drawImage(film, 0, 0, view.width, view.height);
    const picture = brush.getImageData(0, 0, view.width, view.height);
    const seen = await lookAt(picture);
    show(seen);
    const now = performance.now();
    pace = pace ? 0.9 * pace + 0.1 * (now - last) : now - last;
    last = now;
    say(`${(1000 / pace).toFixed(1)} frames a second, ${seen.milliseconds.toFixed(0)} ms each`);
    await new Promise(requestAnimationFrame);
  }
}

function redraw() {
  at("leastsaid").textContent = `${at("least").value}%`;
  if (!shown || stream) return;
  brush.putImageData(shown.picture, 0, 0);
  show(shown);
}

function introduce() {
  const { network, trained_on: from, num_params: params } = about;
  const names = network.label_map.names;
  const title = `${network.head.name} on ${network.backbone.name}`;
  document.title = at("title").textContent = title;
  const few = names.slice(0, 12).join(", ") + (names.length > 12 ? ` and ${names.length - 12} more` : "");
  at("about").textContent = `${params.toLocaleString("en")} parameters, ${network.image_size} pixels, trained on ` +
    `${from.join(", ") || "nothing"}. ${names.length} classes: ${few || "none"}.`;
}

try {
  about = await (await fetch("metadata.json")).json();
  introduce();
  const local = await fetch(`${LOCAL}ort.wasm.min.mjs`, { method: "HEAD" });
  const base = new URL(local.ok ? LOCAL : at("page").dataset.runtime, location.href).href;
  ort = await import(new URL("ort.wasm.min.mjs", base).href);
  ort.env.wasm.wasmPaths = base;
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 4) : 1;
  session = await ort.InferenceSession.create("model.onnx", { executionProviders: ["wasm"] });
  say("Choose a picture, or open the camera");
  at("file").addEventListener("change", (event) => event.target.files[0] && lookAtPicture(event.target.files[0]));
  at("camera").addEventListener("click", startCamera);
  at("least").addEventListener("input", redraw);
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) lookAtPicture(event.dataTransfer.files[0]);
  });
  // index.html?picture=photo.jpg&least=40 begins with one that lies beside the page
  const asked = new URLSearchParams(location.search), first = asked.get("picture");
  if (asked.has("least")) at("least").value = asked.get("least");
  redraw();
  if (first) await lookAtPicture(await (await fetch(first)).blob());
} catch (error) {
  say(`The network cannot be loaded: ${error.message}`);
}
