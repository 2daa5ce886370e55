// SPDX-License-Identifier: Apache-2.0
// What Node's http module understood: of the target, everything before "?", since it goes no further.
const http = require("http");

http.createServer((request, response) => {
    const path = request.url.split("?")[0];
    const read = [request.method, request.headers.host || "", path].join("|");
    request.on("data", () => {});
    request.on("end", () => {
        if (request.method === "HEAD")
            response.setHeader("X-Head", read);
        response.end(Buffer.from(read, "latin1"));
    });
}).listen(Number(process.argv[2]), "127.0.0.1");
