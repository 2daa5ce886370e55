/* SPDX-License-Identifier: Apache-2.0 */
/* pcap: every whole record of every file in the corpus, and one message for what is not whole. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fake_host.h"
#include "l7guard/capture.h"

static void *source_open(const char *file)
{
    struct l7_config config = {.count = 0};
    void *self = NULL;
    config_add(&config, "file", file);
    config_add(&config, "interface", "tap9");
    int err = l7_plugin.capture->open(&fake_host, &config, false, &self);
    cr_assert_eq(err, 0, "%s: %s", file, said.text);
    return self;
}

static int open_result(const char *file, bool check)
{
    struct l7_config config = {.count = 0};
    void *self = &config;
    config_add(&config, "file", file);
    config_add(&config, "interface", "");
    int err = l7_plugin.capture->open(&fake_host, &config, check, &self);
    cr_assert_eq(self, (void *)&config, "self is untouched");
    return err;
}

/* Read to the end in batches of `max`, looking at every byte; what the last receive said. */
static int read_all(void *self, size_t max, uint16_t link, size_t *packets, uint64_t *sum)
{
    struct l7_frame *frames[512];
    int got;
    *packets = 0;
    *sum = 0;
    while ((got = l7_plugin.capture->receive(self, frames, max)) > 0) {
        cr_assert_leq((size_t)got, max);
        for (int i = 0; i < got; i++) {
            cr_assert_eq(frames[i]->link, link);
            cr_assert_geq(frames[i]->wire_len, frames[i]->len);
            cr_assert_eq(frames[i]->iface, 0);
        }
        /* In reverse: all frames of a batch live until they are finalised. */
        for (int i = got - 1; i >= 0; i--) {
            uint64_t frame_sum = frames[i]->time_ns;
            for (uint32_t at = 0; at < frames[i]->len; at++)
                frame_sum = frame_sum * 31 + frames[i]->data[at];
            *sum += frame_sum;
            l7_plugin.capture->finalise(self, frames[i], L7_FORWARD);
        }
        *packets += (size_t)got;
    }
    return got;
}

static uint16_t link_of(const char *name)
{
    static const struct {
        const char *name;
        uint16_t link;
    } names[] = {
        {"ethernet", L7_LINK_ETHERNET}, {"null", L7_LINK_NULL},     {"raw-ip", L7_LINK_RAW},
        {"raw-ipv4", L7_LINK_IPV4},     {"linux-sll", L7_LINK_SLL}, {"linux-sll2", L7_LINK_SLL2},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, name) == 0)
            return names[i].link;
    }
    cr_assert(false, "the corpus has a link type this test does not know: %s", name);
    return 0;
}

/* libpcap reads one link type per file; these are refused or broken, each with its own test. */
static bool is_special(const char *name)
{
    static const char *const special[] = {"file-bad-magic.pcap",       "file-corrupt-record.pcap",
                                          "file-cut-in-packet.pcap",   "file-cut-short.pcap",
                                          "file-empty-section.pcapng", "file-pcapng-be-102.pcapng"};
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (strcmp(special[i], name) == 0)
            return true;
    }
    return false;
}

Test(pcap, reads_every_packet_of_every_whole_file_of_the_corpus)
{
    json_t *index = json_load_file(TEST_DATA "/corpus/index.json", 0, NULL);
    size_t i, files = 0;
    json_t *entry;
    cr_assert_not_null(index);
    json_array_foreach(json_object_get(index, "captures"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (is_special(name))
            continue;
        const char *link = json_string_value(json_array_get(json_object_get(entry, "link"), 0));
        char path[512];
        snprintf(path, sizeof(path), TEST_DATA "/corpus/%s", name);

        size_t one_by_one, packets;
        uint64_t one_sum, sum;
        void *self = source_open(path);
        cr_expect_eq(read_all(self, 1, link_of(link), &one_by_one, &one_sum), L7_RECEIVE_END);
        l7_plugin.capture->close(self);
        self = source_open(path);
        cr_expect_eq(read_all(self, 512, link_of(link), &packets, &sum), L7_RECEIVE_END);

        struct l7_capture_stats stats;
        l7_plugin.capture->stats(self, &stats);
        l7_plugin.capture->close(self);
        cr_expect_eq((json_int_t)packets, json_integer_value(json_object_get(entry, "packets")),
                     "%s: %zu packets", name, packets);
        cr_expect_eq(one_by_one, packets, "%s", name);
        cr_expect_eq(one_sum, sum, "%s: batches change the bytes", name);
        cr_expect_eq(stats.received, packets);
        cr_expect_eq(stats.lost, 0);
        files++;
    }
    cr_assert_gt(files, 80);
    cr_assert_eq(said.count, 0, "%s", said.text);
    json_decref(index);
}

static void expect_broken(const char *file, uint16_t link, size_t whole, const char *message)
{
    size_t packets;
    uint64_t sum;
    struct l7_frame *frames[8];
    struct l7_capture_stats stats;
    void *self = source_open(file);
    int end = read_all(self, 8, link, &packets, &sum);
    cr_expect_eq(packets, whole);
    cr_expect_lt(end, L7_RECEIVE_END, "%d must be an errno", end);
    cr_expect_eq(l7_plugin.capture->receive(self, frames, 8), end, "the answer stays");
    cr_expect_eq(said.errors, 1, "said once");
    cr_expect_str_eq(said.text, message);
    l7_plugin.capture->stats(self, &stats);
    cr_expect_eq(stats.lost, 1);
    l7_plugin.capture->close(self);
}

Test(pcap, keeps_what_is_whole_before_an_impossible_record)
{
    const char *file = TEST_DATA "/corpus/file-corrupt-record.pcap";
    expect_broken(file, L7_LINK_ETHERNET, 6,
                  TEST_DATA "/corpus/file-corrupt-record.pcap: after 6 packets: invalid packet "
                            "capture length 4325376, bigger than snaplen of 262144");
}

Test(pcap, keeps_what_is_whole_before_a_cut_packet)
{
    const char *file = TEST_DATA "/corpus/file-cut-in-packet.pcap";
    expect_broken(file, L7_LINK_ETHERNET, 10,
                  TEST_DATA "/corpus/file-cut-in-packet.pcap: after 10 packets: truncated dump "
                            "file; tried to read 374 captured bytes, only got 171");
}

Test(pcap, keeps_what_is_whole_before_a_cut_record_header)
{
    const char *file = TEST_DATA "/corpus/file-cut-short.pcap";
    expect_broken(file, L7_LINK_NULL, 1,
                  TEST_DATA "/corpus/file-cut-short.pcap: after 1 packets: truncated dump file; "
                            "tried to read 16 header bytes, only got 2");
}

Test(pcap, says_how_to_read_a_file_of_several_link_types)
{
    size_t packets;
    uint64_t sum;
    void *self = source_open(TEST_DATA "/corpus/file-pcapng-be-102.pcapng");
    cr_expect_lt(read_all(self, 8, L7_LINK_ETHERNET, &packets, &sum), L7_RECEIVE_END);
    cr_expect_eq(said.errors, 1);
    cr_expect_not_null(strstr(said.text, "different from the type of the first interface; split"));
    l7_plugin.capture->close(self);
}

Test(pcap, takes_a_section_without_interfaces_for_an_empty_capture)
{
    size_t packets;
    uint64_t sum;
    void *self = source_open(TEST_DATA "/corpus/file-empty-section.pcapng");
    cr_expect_eq(read_all(self, 8, 0, &packets, &sum), L7_RECEIVE_END);
    cr_expect_eq(packets, 0);
    cr_expect_eq(said.count, 0);
    l7_plugin.capture->close(self);
}

Test(pcap, refuses_at_open_what_is_not_a_capture)
{
    cr_expect_eq(open_result(TEST_DATA "/corpus/file-bad-magic.pcap", false), -EBADMSG);
    cr_expect_eq(said.errors, 1);
    cr_expect_not_null(strstr(said.text, "file-bad-magic.pcap: not readable"));
    cr_expect_eq(open_result(TEST_DATA, false), -EBADMSG);
    cr_expect_eq(open_result("/nonexistent/x.pcap", false), -ENOENT);
    cr_expect_str_eq(said.text, "/nonexistent/x.pcap: No such file or directory");
    cr_expect_eq(open_result("", false), -EINVAL);
    cr_expect_eq(said.errors, 4);
}

Test(pcap, checks_without_opening)
{
    cr_expect_eq(open_result(TEST_DATA "/corpus/http-09.pcap", true), 0);
    cr_expect_eq(open_result("-", true), 0);
    cr_expect_eq(said.count, 0);
    cr_expect_eq(open_result(TEST_DATA "/corpus/file-bad-magic.pcap", true), -EBADMSG);
    cr_expect_eq(open_result("/nonexistent/x.pcap", true), -ENOENT);
    cr_expect_eq(said.errors, 2);
}

/* A classic little-endian file of one record, written by hand; returns its descriptor. */
struct classic {
    uint32_t magic;
    uint32_t version;
    uint32_t zone, figs;
    uint32_t snaplen;
    uint32_t link;
    uint32_t sec, frac, caplen, len;
};

static const struct classic classic_ethernet = {
    .magic = 0xa1b2c3d4,
    .version = 2 | 4 << 16,
    .snaplen = 262144,
    .link = 1,
    .sec = 1000,
    .frac = 7,
    .caplen = 64,
    .len = 64,
};

static void *classic_open(const struct classic *head, size_t bytes, char *path)
{
    strcpy(path, "/tmp/l7guard-test-pcap-XXXXXX");
    int fd = mkstemp(path);
    uint8_t *body = calloc(1, bytes + 1);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, head, sizeof(*head)), (ssize_t)sizeof(*head));
    cr_assert_eq(write(fd, body, bytes), (ssize_t)bytes);
    free(body);
    close(fd);
    return source_open(path);
}

static struct l7_frame classic_frame(const struct classic *head)
{
    char path[64];
    struct l7_frame *frame = NULL;
    void *self = classic_open(head, head->caplen, path);
    cr_assert_eq(l7_plugin.capture->receive(self, &frame, 1), 1, "%s", said.text);
    struct l7_frame copy = *frame;
    l7_plugin.capture->finalise(self, frame, L7_DROP);
    l7_plugin.capture->close(self);
    unlink(path);
    return copy;
}

Test(pcap, gives_stamps_in_nanoseconds_whatever_the_file_has)
{
    struct classic head = classic_ethernet;
    cr_expect_eq(classic_frame(&head).time_ns, 1000000007000u);
    head.magic = 0xa1b23c4d;
    cr_expect_eq(classic_frame(&head).time_ns, 1000000000007u);
}

Test(pcap, reads_stamps_after_2038_and_survives_impossible_ones)
{
    struct classic head = classic_ethernet;
    head.sec = 0xffffffff;
    cr_expect_eq(classic_frame(&head).time_ns, 4294967295000007000u);
    head.magic = 0xa1b23c4d;
    head.frac = 0x7fffffff;
    cr_expect_eq(classic_frame(&head).time_ns, 4294967295000000000u);
}

Test(pcap, keeps_both_lengths_and_never_says_less_than_is_there)
{
    struct classic head = classic_ethernet;
    head.len = 9000;
    struct l7_frame frame = classic_frame(&head);
    cr_expect_eq(frame.len, 64);
    cr_expect_eq(frame.wire_len, 9000);
    head.len = 3;
    frame = classic_frame(&head);
    cr_expect_eq(frame.len, 64);
    cr_expect_eq(frame.wire_len, 64);
}

Test(pcap, reads_the_largest_record_and_an_empty_one)
{
    struct classic head = classic_ethernet;
    head.caplen = head.len = 262144;
    cr_expect_eq(classic_frame(&head).len, 262144);
    head.caplen = 0;
    cr_expect_eq(classic_frame(&head).len, 0);
}

Test(pcap, refuses_a_record_larger_than_the_limit)
{
    struct classic head = classic_ethernet;
    char path[64];
    struct l7_frame *frame = NULL;
    head.caplen = head.len = 262145;
    void *self = classic_open(&head, head.caplen, path);
    cr_expect_eq(l7_plugin.capture->receive(self, &frame, 1), -EBADMSG);
    cr_expect_eq(said.errors, 1);
    l7_plugin.capture->close(self);
    unlink(path);
}

Test(pcap, maps_link_types_and_refuses_others_by_name)
{
    static const uint32_t known[] = {0, 1, 101, 108, 113, 228, 229, 276};
    struct classic head = classic_ethernet;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        head.link = known[i];
        cr_expect_eq(classic_frame(&head).link, known[i]);
    }
    head.link = 127;
    char path[] = "/tmp/l7guard-test-pcap-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, &head, sizeof(head)), (ssize_t)sizeof(head));
    close(fd);
    cr_expect_eq(open_result(path, false), -EPROTONOSUPPORT);
    cr_expect_not_null(strstr(said.text, "link type IEEE802_11_RADIO (127) is not supported"));
    cr_expect_eq(said.errors, 1);
    unlink(path);
}

Test(pcap, reads_standard_input_as_it_comes)
{
    struct classic head = classic_ethernet;
    const uint8_t *record = (const uint8_t *)&head + offsetof(struct classic, sec);
    uint8_t body[64] = {0};
    struct l7_frame *frames[8];
    int pipe_ends[2];
    cr_assert_eq(pipe(pipe_ends), 0);
    cr_assert_eq(dup2(pipe_ends[0], STDIN_FILENO), STDIN_FILENO);
    cr_assert_eq(write(pipe_ends[1], &head, sizeof(head)), (ssize_t)sizeof(head));
    cr_assert_eq(write(pipe_ends[1], body, 64), 64);

    void *self = source_open("-");
    cr_expect_eq(l7_plugin.capture->descriptor(self), STDIN_FILENO);
    cr_expect_eq(l7_plugin.capture->receive(self, frames, 8), 1);
    l7_plugin.capture->finalise(self, frames[0], L7_FORWARD);
    cr_expect_eq(l7_plugin.capture->receive(self, frames, 8), 0, "none now, and no waiting");

    cr_assert_eq(write(pipe_ends[1], record, 16), 16);
    cr_assert_eq(write(pipe_ends[1], body, 64), 64);
    cr_expect_eq(l7_plugin.capture->receive(self, frames, 8), 1);
    l7_plugin.capture->finalise(self, frames[0], L7_FORWARD);
    close(pipe_ends[1]);
    cr_expect_eq(l7_plugin.capture->receive(self, frames, 8), L7_RECEIVE_END);
    l7_plugin.capture->close(self);
}

Test(pcap, names_standard_input_in_messages)
{
    size_t packets;
    uint64_t sum;
    int fd = open(TEST_DATA "/corpus/file-cut-in-packet.pcap", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    void *self = source_open("-");
    cr_expect_eq(l7_plugin.capture->descriptor(self), -1, "a regular file has no descriptor");
    cr_expect_lt(read_all(self, 64, L7_LINK_ETHERNET, &packets, &sum), L7_RECEIVE_END);
    cr_expect_eq(packets, 10);
    cr_expect_eq(strncmp(said.text, "standard input: after 10 packets: ", 34), 0, "%s", said.text);
    l7_plugin.capture->close(self);
}

Test(pcap, has_one_interface_named_by_its_option)
{
    void *self = source_open(TEST_DATA "/corpus/http-09.pcap");
    cr_expect_str_eq(l7_plugin.capture->iface_name(self, 0), "tap9");
    cr_expect_null(l7_plugin.capture->iface_name(self, 1));
    cr_expect_eq(l7_plugin.capture->flags, L7_CAPTURE_OFFLINE);
    cr_expect_null(l7_plugin.capture->inject);
    l7_plugin.capture->close(self);
}
