"""Writes PROBE.html, which shows pages in frames of three widths and says of each what is wider than its frame,
or text in a drawing that is cut off: `page_probe.py PROBE.html NAME ...` of NAME.html."""
import html
import sys

WIDTHS = (390, 1280, 1920)
SCRIPT = """
<pre id="said"></pre>
<script>
function look(frame) {
    const view = frame.contentDocument, root = view.documentElement, found = [];
    const width = root.clientWidth;
    if (root.scrollWidth > width) found.push("the page is " + root.scrollWidth + " wide");
    if (root.scrollHeight < 200 || !view.querySelector("h1").innerText) found.push("the page is empty");
    for (const e of view.querySelectorAll("main *")) {
        const box = e.getBoundingClientRect();
        if (e.closest(".scroll") || !box.width) continue;
        if (box.right > width + 1 || box.left < -1) found.push(e.tagName + " " + e.className + ": " + e.textContent.slice(0, 40));
    }
    for (const e of view.querySelectorAll("svg text")) {
        const box = e.getBoundingClientRect(), all = e.closest("svg").getBoundingClientRect();
        if (box.width && (box.right > all.right + 1 || box.left < all.left - 1 || box.bottom > all.bottom + 1 || box.top < all.top - 1))
            found.push("cut off: " + e.textContent);
    }
    for (const e of view.querySelectorAll(".meter span, .meter b, .limits b, td"))
        if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth) found.push("too wide for its cell: " + e.textContent);
    return found;
}
window.onload = () => {
    let pages = 0, said = "";
    for (const frame of document.querySelectorAll("iframe")) {
        for (const d of frame.contentDocument.querySelectorAll("details")) d.open = true;
        pages++;
        for (const what of look(frame)) said += "STICKS " + "OUT of " + frame.title + ": " + what + "\\n";
    }
    document.getElementById("said").textContent = said + "PROBED " + pages + " pages\\n";
};
</script>
"""

with open(sys.argv[1], "w") as probe:
    probe.write("<!DOCTYPE html><meta charset='utf-8'><title>probe</title>")
    for name in sys.argv[2:]:
        page = html.escape(open(name + ".html", encoding="utf-8").read())
        for width in WIDTHS:
            probe.write(f'<iframe title="{name} at {width}" style="width:{width}px;height:900px" srcdoc="{page}"></iframe>')
    probe.write(SCRIPT)
