"""The data sets that tools/prepare.py makes ready for geolocation."""

from tasks.geolocation.tables.preparing import prepare_table

DATASETS = {"geotagged": prepare_table}
