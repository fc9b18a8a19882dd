#!/usr/bin/env bash
# report_page.sh: the page of `lenslet report` in a browser (Debian's chromium, without a window): it is not blank,
# nothing sticks out, on a phone, a laptop and a large screen, light and dark; and its HTML is right (Debian's tidy).
. "$(dirname "$0")/lib.sh"
command -v chromium >/dev/null || {
    echo "skipped: chromium shows the pages of this test"
    exit 77
}
make_data
expect 0 bench --compare net.json --batch-size 4 --seconds 0.01 --rounds 1 --device all -o small.json --op conv2d
python3 "$here/make_comparisons.py" small.json

for page in small five half odd none two parts; do
    files=$page.json
    [ $page != two ] || files="small.json old.json"
    # shellcheck disable=SC2086
    expect 0 report $files -o $page.html
    if command -v tidy >/dev/null; then
        tidy -q -e $page.html >"$out" 2>"$err" || fail "tidy finds fault with $page.html"
    else
        echo "skipped: tidy checks the HTML of $page.html"
    fi
done

# browse ARGUMENT ...: without a sandbox, which takes rights that a test need not have.
browse() {
    HOME=$work timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
        --user-data-dir="$work/chromium" "$@" 2>>"$err"
}

# ---- nothing sticks out: a page that shows each of them in frames of three widths says what does, and sees a page
# that is made too wide
sed 's/main { max-width: 1160px/main { width: 2000px/' small.html >wide.html
python3 "$here/page_probe.py" probe.html wide
browse --dump-dom "file://$work/probe.html" | sed -n '/<pre id="said">/,/PROBED/p' >"$out" || fail "chromium cannot show the pages"
[ "$(grep -c 'STICKS OUT of wide at .*: the page is' "$out")" = 3 ] || fail "a wide page is not seen"
python3 "$here/page_probe.py" probe.html small five half odd none two parts
browse --dump-dom "file://$work/probe.html" | sed -n '/<pre id="said">/,/PROBED/p' >"$out" || fail "chromium cannot show the pages"
grep -q 'PROBED 21 pages' "$out" || fail "not every page was looked at"
grep 'STICKS OUT' "$out" && fail "something sticks out"

# ---- pictures: not blank, light and dark
for look in light dark; do
    page=five.html
    if [ $look = dark ]; then
        page=dark.html
        sed 's/@media (prefers-color-scheme: dark)/@media all/' five.html >dark.html
    fi
    browse --window-size=1280,2400 --screenshot="$work/$look.png" "file://$work/$page" >/dev/null
    python3 "$here/picture_colours.py" $look.png >"$out" || fail "the $look picture"
    prints "$look page, many colours"
done
[ -z "${LENSLET_KEEP-}" ] || cp ./*.html ./*.png "$LENSLET_KEEP"
