"""Read `trainboard runs --json` and fail unless the demo left its four runs, all finished."""

import json
import sys

statuses = [run["status"] for run in json.load(sys.stdin)]
if statuses != ["finished"] * 4:
    sys.exit(f"expected four finished runs in the demo's store, found {statuses}")
print("the demo's store holds four finished runs")
