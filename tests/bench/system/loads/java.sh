# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: java javac
# threads: .*
prepare() {
	cat >Load.java <<'END'
import java.security.*; import java.util.*; import java.util.concurrent.*; import java.util.stream.*; import java.util.zip.*;
public class Load {
	static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
	public static void main(String[] a) throws Exception {
		long end = System.currentTimeMillis() + 1000 * Long.parseLong(a[0]);
		ExecutorService pool = Executors.newFixedThreadPool(3);
		for (int t = 0; t < 3; t++)
			pool.submit(() -> {
				byte[] raw = new byte[60000]; Random r = new Random(1); r.nextBytes(raw); List<Object> kept = new ArrayList<>();
				while (System.currentTimeMillis() < end) {
					MessageDigest.getInstance("SHA-256").digest(raw);
					Deflater d = new Deflater(); d.setInput(raw); d.finish(); d.deflate(new byte[70000]); d.end();
					Map<String, Integer> m = new TreeMap<>();
					for (int i = 0; i < 3000; i++) m.merge("k" + r.nextInt(500), 1, Integer::sum);
					kept.add(m); if (kept.size() > 300) kept.subList(0, 200).clear();
					IntStream.range(0, 20000).mapToObj(Integer::toString).sorted(Comparator.reverseOrder()).collect(Collectors.joining(","));
					"a1b22c333".repeat(200).replaceAll("[0-9]+", "#"); fib(18);
					try { Object o = null; o.hashCode(); } catch (NullPointerException e) { e.getStackTrace(); }
					java.math.BigInteger.valueOf(3).pow(3000).mod(java.math.BigInteger.valueOf(1000000007)); System.gc();
				}
				return null;
			});
		pool.shutdown(); pool.awaitTermination(1, TimeUnit.HOURS);
	}
}
END
	javac Load.java
}
run() {
	java ${JAVA_FLAGS:-} -cp . Load "$1"
}
