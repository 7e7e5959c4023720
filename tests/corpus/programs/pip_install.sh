#!/bin/sh
# A virtual environment, and a wheel that lies beside it installed into it.
set -e
python3 -m venv --without-pip env
mkdir -p demo-1.0.dist-info demo
echo 'def main(): print("demo")' > demo/__init__.py
printf 'Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n' > demo-1.0.dist-info/METADATA
printf 'Wheel-Version: 1.0\nGenerator: sh\nRoot-Is-Purelib: true\nTag: py3-none-any\n' > demo-1.0.dist-info/WHEEL
printf '[console_scripts]\ndemo = demo:main\n' > demo-1.0.dist-info/entry_points.txt
printf 'demo/__init__.py,,\ndemo-1.0.dist-info/METADATA,,\ndemo-1.0.dist-info/WHEEL,,\ndemo-1.0.dist-info/entry_points.txt,,\ndemo-1.0.dist-info/RECORD,,\n' > demo-1.0.dist-info/RECORD
python3 -m zipfile -c demo-1.0-py3-none-any.whl demo demo-1.0.dist-info
rm -r demo demo-1.0.dist-info
wheel=$(ls /usr/share/python-wheels/pip-*.whl 2>/dev/null | head -n 1)
[ -n "$wheel" ] || wheel=$(python3 -c 'import ensurepip, glob, os; print(glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl"))[0])')
env/bin/python "$wheel/pip" --disable-pip-version-check install -q --no-index ./demo-1.0-py3-none-any.whl
env/bin/python -c 'import demo; demo.main()'
