# Package a commit by hand.  $1 clone URL  $2 commit  $3 name
set -eu
rm -rf hand
git clone -q "$1" hand/source
cd hand
git -C source checkout -q --detach "$2"
mkdir -p stage/opt out
if [ -x source/script/build ]; then
    mkdir "stage/opt/$3"
    (cd source && CICD_OUTPUT=../stage/opt/$3 script/build)
else
    git -C source archive --prefix="opt/$3/" HEAD | tar -x -C stage
fi
cat >nfpm.yaml <<EOF
name: $3-hand
version: "1.0"
release: $(git -C source rev-list --count HEAD).$(echo "$2" | cut -c1-7)
version_schema: none
arch: all
maintainer: Ann <ann@example.com>
description: by hand
contents: [{src: stage/, dst: /, type: tree}]
EOF
nfpm package --config nfpm.yaml --packager deb --target out/ >/dev/null
