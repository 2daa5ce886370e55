// SPDX-License-Identifier: Apache-2.0
// What com.sun.net.httpserver understood. Its path is URI.getPath(), by which it chooses contexts.
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

public class Server {
    static byte[] read(String method, String host, String path) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write((method + "|" + (host == null ? "" : host) + "|").getBytes(StandardCharsets.ISO_8859_1));
        out.write((path == null ? "" : path).getBytes(StandardCharsets.UTF_8));
        return out.toByteArray();
    }

    public static void main(String[] args) throws Exception {
        InetAddress here = InetAddress.getByName("127.0.0.1");
        HttpServer server = HttpServer.create(new InetSocketAddress(here, Integer.parseInt(args[0])), 100);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            try (exchange) {
                exchange.getRequestBody().readAllBytes();
                String method = exchange.getRequestMethod();
                byte[] body = read(method, exchange.getRequestHeaders().getFirst("Host"),
                                   exchange.getRequestURI().getPath());
                if (method.equals("HEAD")) {
                    exchange.getResponseHeaders().add("X-Head", new String(body, StandardCharsets.ISO_8859_1));
                    exchange.sendResponseHeaders(200, -1);
                } else {
                    exchange.sendResponseHeaders(200, body.length);
                    exchange.getResponseBody().write(body);
                }
            } catch (Exception e) {
                throw new java.io.IOException(e);
            }
        });
        server.start();
    }
}
