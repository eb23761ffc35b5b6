# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: node
# threads: .*
prepare() {
	cat >load.js <<'END'
const zlib = require('zlib'), crypto = require('crypto'), end = Date.now() + 1000 * process.argv[2];
const text = JSON.stringify(Array.from({ length: 3000 }, (_, i) => ({ i, s: 'x' + i * 7, d: [i / 3] })));
let kept = [];
async function work() {
	while (Date.now() < end) {
		JSON.stringify(JSON.parse(text));
		text.replace(/(\d+)/g, (m) => m + 1).split(',').sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
		zlib.gzipSync(text, { level: 6 }); zlib.brotliCompressSync(text.slice(0, 20000), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } });
		crypto.createHash('sha512').update(text).digest('hex'); crypto.pbkdf2Sync('a', 'b', 2000, 64, 'sha256');
		crypto.createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12)).update(text);
		kept = kept.concat(text.split('s').map((s) => ({ s, m: new Map([[s, s]]) }))).slice(-20000);
		new Function('a', 'let s = 0; for (let i = 0; i < 3000; i++) s += Math.sqrt(a * i % 7); return s; // ' + Math.random())(3);
		await Promise.all([1, 2].map(() => new Promise((r) => zlib.deflate(text, r))));
		await new Promise((r) => crypto.scrypt('a', 'b', 32, r)); await new Promise((r) => setImmediate(r));
	}
}
crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
work();
END
}
run() {
	node load.js "$1"
}
