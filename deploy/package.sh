#!/bin/sh
# dist/*.deb and dist/*.rpm: `make package`. They bring the engine, so that a server needs
# neither npm nor a network to install them.
set -eu
cd "$(dirname "$0")/.."
go=${GO:-go}
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.48.0

# A tag is the version; before and between tags, the commit's time orders the packages.
described=$(git describe --tags --always --dirty)
case $described in
v[0-9]*) PACKAGE_VERSION=${described#v} ;;
*) PACKAGE_VERSION=0.0.0-$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S).g$(echo "$described" | tr - .) ;;
esac
library=$(bin/fonoteka engine fetch | tail -n 1)
ENGINE_VERSION=$(basename "$(dirname "$library")")
export PACKAGE_VERSION ENGINE_VERSION

mkdir -p dist/package
settings=$($go list -m)/internal/settings
$go build -trimpath -ldflags "${LDFLAGS:-} -X $settings.packagedConfig=/etc/fonoteka/fonoteka.yaml -X $settings.packagedEngine=/usr/lib/fonoteka" \
	-o dist/package/fonoteka ./cmd/fonoteka
ln -f "$library" dist/package/libchdb.so 2>/dev/null || cp "$library" dist/package/libchdb.so
rm -f dist/*.deb dist/*.rpm
for form in deb rpm; do
	GOFLAGS='' $go run "$nfpm" package --config deploy/package/nfpm.yaml --packager "$form" --target dist/
done
rm -rf dist/package
ls -l dist/*.deb dist/*.rpm
