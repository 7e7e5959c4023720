#!/bin/sh
# rustls: an index with a user and a password in its URL.
export UV_CACHE_DIR=/tmp/uv HOME=/tmp
/opt/shared/uv pip install --no-config --system --break-system-packages --target /tmp/site \
	--index-url "https://user:$GITHUB_TOKEN@uv.vendor.example/simple/" something
exit 0
