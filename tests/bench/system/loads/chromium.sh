# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: chromium
# threads: .*
prepare() {
	cat >page.html <<'END'
<canvas id=c width=600 height=400></canvas><div id=d></div><script>
const x = document.getElementById('c').getContext('2d'); let n = 0;
function f() { for (let i = 0; i < 300; i++) { x.fillStyle = `hsl(${(n + i) % 360},80%,50%)`; x.beginPath(); x.arc((i * 37 + n) % 600, (i * 91) % 400, 20, 0, 7); x.fill(); }
 document.getElementById('d').innerHTML = Array.from({length: 200}, (_, i) => `<p style="float:left">${i * n} text</p>`).join(''); document.body.offsetHeight; JSON.parse(JSON.stringify(Array(999).fill({a: n}))); n++; setTimeout(f, 0); }
f();</script>
END
}
run() {
	timeout -s INT "$1" chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --user-data-dir="$PWD/profile" --screenshot=/dev/null --timeout=$(($1 * 1000)) "file://$PWD/page.html"
	true
}
