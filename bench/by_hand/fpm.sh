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
fpm -s dir -t deb -C stage -p out/ -n "$3-hand" -v 1.0 -a all -m 'Ann <ann@example.com>' --description 'by hand' \
    --iteration "$(git -C source rev-list --count HEAD).$(echo "$2" | cut -c1-7)" . >/dev/null
