"""The data sets that tools/prepare.py makes ready for classification."""

from tasks.classification.cleaning.web_photos import prepare_noisy

DATASETS = {"noisy_dogs": prepare_noisy}
