# shellcheck shell=sh disable=SC2016,SC2086,SC2034,SC1091,SC2154
# needs: nginx wrk openssl
# threads: nginx
prepare() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost 2>/dev/null
	mkdir -p www && seq 20000 >www/text.txt && seq 100 >www/index.html && chmod -R a+rX .
	cat >nginx.conf <<END
user root; worker_processes 2; pid $PWD/nginx.pid; error_log $PWD/error.log;
events { worker_connections 256; }
http {
	access_log $PWD/access.log; root $PWD/www; gzip on; gzip_types text/plain; gzip_comp_level 5;
	client_body_temp_path $PWD/body; proxy_temp_path $PWD/proxy; fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/s;
	server { listen 127.0.0.1:18443 ssl; ssl_certificate $PWD/cert.pem; ssl_certificate_key $PWD/key.pem; }
	server { listen 127.0.0.1:18080; location /up/ { proxy_pass https://127.0.0.1:18443/; } }
}
END
}
run() {
	nginx -c "$PWD/nginx.conf" -g 'daemon off;' &
	sleep 0.3
	third=$((($1 + 2) / 3))
	wrk -t1 -c8 -d"${third}s" -H 'Accept-Encoding: gzip' https://127.0.0.1:18443/text.txt
	wrk -t1 -c8 -d"${third}s" -H 'Connection: close' https://127.0.0.1:18443/
	wrk -t1 -c8 -d"${third}s" http://127.0.0.1:18080/up/text.txt
	kill $!
}
