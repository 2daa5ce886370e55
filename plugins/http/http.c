/* SPDX-License-Identifier: Apache-2.0 */
/* http: the descriptor of the HTTP/1.0 and HTTP/1.1 inspector. What it declares here becomes the
 * policy language, the records and the reference; request.c and response.c do the work.
 */

#include "l7guard/plugin.h"

#include <errno.h>
#include <stdlib.h>

#include "example.h"
#include "pattern.h"
#include "session.h"

#define HEAD_MAX_LIMIT (16 * 1024 * 1024) /* of the setting; offsets have 32 bits */

static const char *const methods[] = {"GET",   "POST",    "PUT",     "HEAD", "DELETE",
                                      "TRACE", "OPTIONS", "CONNECT", "PATCH"};

static const struct l7_field http_fields[FIELD_COUNT] = {
    [FIELD_PATH] = {.name = "path",
                    .match = L7_MATCH_GLOB,
                    .split = '?',
                    .help = "path of the request; a pattern with \"?\" also names the query"},
    [FIELD_HOST] = {.name = "host",
                    .match = L7_MATCH_GLOB,
                    .flags = L7_FIELD_NOCASE,
                    .help = "host name of the target or the Host header, without port"},
    [FIELD_METHOD] = {.name = "method",
                      .match = L7_MATCH_ENUM,
                      .values = methods,
                      .value_count = sizeof(methods) / sizeof(methods[0]),
                      .help = "request method, in upper case"},
};

#define TEXT(attr_name, text)                                                                      \
    {                                                                                              \
        .name = attr_name, .type = L7_TYPE_STRING, .help = text                                    \
    }
#define NUMBER(attr_name, text)                                                                    \
    {                                                                                              \
        .name = attr_name, .type = L7_TYPE_NUMBER, .help = text                                    \
    }
static const struct l7_attr http_attrs[ATTR_COUNT] = {
    [ATTR_HOSTNAME] = TEXT("hostname", "host, lower-cased, without port"),
    [ATTR_PORT] = NUMBER("http_port", "port written beside the host"),
    [ATTR_URL] = TEXT("url", "request target as sent"),
    [ATTR_USER_AGENT] = TEXT("http_user_agent", "User-Agent"),
    [ATTR_XFF] = TEXT("xff", "X-Forwarded-For"),
    [ATTR_CONTENT_TYPE] = TEXT("http_content_type", "Content-Type of the reply, up to \";\""),
    [ATTR_RANGE_RAW] = TEXT("content_range.raw", "Content-Range of the reply"),
    [ATTR_RANGE_START] = NUMBER("content_range.start", "its first byte"),
    [ATTR_RANGE_END] = NUMBER("content_range.end", "its last byte"),
    [ATTR_RANGE_SIZE] = NUMBER("content_range.size", "size of the whole"),
    [ATTR_REFERER] = TEXT("http_refer", "Referer"),
    [ATTR_METHOD] = TEXT("http_method", "request method as sent"),
    [ATTR_PROTOCOL] = TEXT("protocol", "version on the request line"),
    [ATTR_STATUS] = NUMBER("status", "status of the reply"),
    [ATTR_REDIRECT] = TEXT("redirect", "Location of the reply"),
    [ATTR_LENGTH] = NUMBER("length", "bytes of the reply's body on the wire"),
};

static const struct l7_option http_options[] = {
    {.key = "max-head",
     .type = L7_OPTION_SIZE,
     .fallback = "64KiB",
     .help = "longest request line with headers; a longer one is refused"},
    {.key = "max-pipelined",
     .type = L7_OPTION_NUMBER,
     .fallback = "10000",
     .help = "most requests of a flow that may wait for their reply"},
};

static int http_load(const struct l7_host *host, const struct l7_config *config, void **self)
{
    int64_t max_head = host->config_number(config, "max-head");
    int64_t max_pipelined = host->config_number(config, "max-pipelined");
    if (max_head < 1 || max_head > HEAD_MAX_LIMIT || max_pipelined < 1) {
        host->diag(host, L7_ERROR, "max-head must be 1 to %d bytes, max-pipelined at least 1",
                   HEAD_MAX_LIMIT);
        return -EINVAL;
    }
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        return -ENOMEM;
    http->host = host;
    http->max_head = (size_t)max_head;
    http->max_pipelined = (size_t)max_pipelined;
    *self = http;
    return 0;
}

static void http_unload(void *self)
{
    free(self);
}

static enum l7_probe http_probe(const void *self, enum l7_dir dir, struct l7_bytes seen)
{
    (void)self;
    return dir == L7_TO_SERVER ? request_probe(seen) : response_probe(seen);
}

static enum l7_step http_feed(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                              struct l7_bytes in, struct l7_progress *progress)
{
    if (dir == L7_TO_SERVER)
        return request_feed(self, state, flow, in, progress);
    return response_feed(self, state, in, progress);
}

static enum l7_step http_gap(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                             uint64_t len)
{
    (void)flow;
    if (dir == L7_TO_SERVER)
        request_gap(state, len);
    else
        response_gap(self, state, len);
    return L7_STEP_OK;
}

static void http_end(void *self, void *state, struct l7_flow *flow, enum l7_dir dir,
                     uint64_t skipped, uint64_t unskipped)
{
    (void)flow;
    (void)unskipped;
    if (dir == L7_TO_CLIENT)
        response_end(self, state, skipped);
}

static void http_close(void *self, void *state)
{
    struct session *s = state;
    (void)self;
    pending_fini(&s->pending);
}

static const struct l7_inspector http_inspector = {
    .size = sizeof(struct l7_inspector),
    .flags = L7_INSPECTOR_NUMBERED | L7_INSPECTOR_TCP_ONLY,
    .keyword = "http",
    .fields = http_fields,
    .field_count = FIELD_COUNT,
    .attrs = http_attrs,
    .attr_count = ATTR_COUNT,
    .state_size = sizeof(struct session),
    .load = http_load,
    .unload = http_unload,
    .probe = http_probe,
    .feed = http_feed,
    .gap = http_gap,
    .end = http_end,
    .close = http_close,
    .pattern = http_pattern,
    .example = http_example,
    .example_help = "METHOD URL, as in \"GET http://foo.bar.com/api/v2/x\"",
};

L7_PLUGIN(L7_KIND_INSPECTOR, "http", .version = "1.0",
          .summary = "HTTP/1.0 and HTTP/1.1 requests and replies", .options = http_options,
          .option_count = sizeof(http_options) / sizeof(http_options[0]),
          .inspector = &http_inspector);
