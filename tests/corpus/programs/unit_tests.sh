#!/bin/sh
# Two test runners at work.
set -e
cat > test_demo.py <<EOF
import unittest

class Demo(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(sum(range(5)), 10)

def test_function(tmp_path):
    (tmp_path / "file").write_text("x")
EOF
python3 -m unittest -q test_demo
PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python3 -m pytest -q -p no:cacheprovider test_demo.py
