/* SPDX-License-Identifier: Apache-2.0 */
/* pcap: frames from a capture file, in the order they were written.
 *
 * Decides what of a file is readable: whole records are handed over, and what is not whole is
 * said once and ends the source with an error. Reading pcap and pcapng is libpcap's work; a link
 * type the host does not know is refused at open. A verdict has nobody to be carried out on.
 *
 * Life: as in l7guard/capture.h. All bytes of a batch lie in one arena until the next receive,
 * because libpcap overwrites its buffer with every record.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "l7guard/capture.h"
#include "l7guard/plugin.h"

#define RECORD_MAX (256u * 1024) /* captured bytes of one record; libpcap's own limit too */
#define ARENA_SIZE (4u * RECORD_MAX)
#define FRAMES_MAX 256u

#define NSEC_PER_SEC 1000000000u

struct source {
    const struct l7_host *host;
    const char *name;      /* of the file, for messages; the config's */
    const char *interface; /* the config's */
    pcap_t *pcap;          /* NULL: a file that is whole and empty */
    int fd;                /* a pipe or socket to wait on; -1: reading never waits */
    int ended;             /* 0, or what every further receive answers */
    uint16_t link;
    uint8_t *arena;
    struct l7_frame frames[FRAMES_MAX];
    struct l7_capture_stats stats;
};

static const struct {
    int dlt;
    uint16_t link;
} links[] = {
    {DLT_NULL, L7_LINK_NULL}, {DLT_EN10MB, L7_LINK_ETHERNET}, {DLT_RAW, L7_LINK_RAW},
    {DLT_LOOP, L7_LINK_LOOP}, {DLT_LINUX_SLL, L7_LINK_SLL},   {DLT_IPV4, L7_LINK_IPV4},
    {DLT_IPV6, L7_LINK_IPV6}, {DLT_LINUX_SLL2, L7_LINK_SLL2},
};

static bool link_known(int dlt, uint16_t *link)
{
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        if (links[i].dlt == dlt) {
            *link = links[i].link;
            return true;
        }
    }
    return false;
}

static bool is_stdin(const char *file)
{
    return strcmp(file, "-") == 0;
}

/* libpcap opens a pcapng file by its first interface and fails when there is none. Read to its
 * end without one, the file is whole and has no packets: nothing is wrong with it. */
static bool error_means_empty(const char *error)
{
    return strstr(error, "has no Interface Description Blocks") != NULL;
}

/* libpcap reads one link type and one snapshot length per file, the first interface's. */
static const char *remedy(const char *error)
{
    if (strstr(error, "of the first interface"))
        return "; split the file by interface (tshark -Y frame.interface_id==0 -w OUT)";
    return "";
}

/* A pipe is read without buffering, so that "readable" is the kernel's answer for the next byte
 * we shall ask for, and a worker need not sleep in a read while nothing comes. */
static int wait_descriptor(FILE *stream)
{
    struct stat st;
    if (fstat(fileno(stream), &st) != 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        return -1;
    setvbuf(stream, NULL, _IONBF, 0);
    return fileno(stream);
}

static void stream_close(FILE *stream)
{
    if (stream != stdin)
        fclose(stream);
}

/* Fill in pcap, fd and link. Says what is wrong. */
static int source_attach(struct source *source, const char *file)
{
    FILE *stream = is_stdin(file) ? stdin : fopen(file, "rbe");
    if (!stream) {
        int err = errno;
        source->host->diag(source->host, L7_ERROR, "%s: %s", source->name, strerror(err));
        return -err;
    }
    source->fd = wait_descriptor(stream);

    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap =
        pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!pcap) {
        stream_close(stream);
        source->fd = -1;
        if (error_means_empty(error)) {
            source->ended = L7_RECEIVE_END;
            return 0;
        }
        source->host->diag(source->host, L7_ERROR,
                           "%s: not readable as pcap or pcapng: %s; nothing was read", source->name,
                           error);
        return -EBADMSG;
    }

    int dlt = pcap_datalink(pcap);
    if (!link_known(dlt, &source->link)) {
        const char *name = pcap_datalink_val_to_name(dlt);
        source->host->diag(source->host, L7_ERROR,
                           "%s: link type %s (%d) is not supported; known: NULL, EN10MB, RAW, "
                           "LOOP, LINUX_SLL, LINUX_SLL2, IPV4, IPV6",
                           source->name, name ? name : "without a name", dlt);
        pcap_close(pcap);
        return -EPROTONOSUPPORT;
    }
    source->pcap = pcap;
    return 0;
}

static void pcap_source_close(void *self)
{
    struct source *source = self;
    if (!source)
        return;
    if (source->pcap)
        pcap_close(source->pcap);
    free(source->arena);
    free(source);
}

static struct source *source_new(const struct l7_host *host, const struct l7_config *config)
{
    struct source *source = calloc(1, sizeof(*source));
    if (!source)
        return NULL;
    source->arena = malloc(ARENA_SIZE);
    if (!source->arena) {
        free(source);
        return NULL;
    }
    const char *file = host->config_text(config, "file");
    source->host = host;
    source->fd = -1;
    source->name = is_stdin(file) ? "standard input" : file;
    source->interface = host->config_text(config, "interface");
    return source;
}

/* Only a regular file can be looked into and read again later. */
static bool consumed_by_looking(const char *file)
{
    struct stat st;
    return is_stdin(file) || (stat(file, &st) == 0 && !S_ISREG(st.st_mode));
}

static int pcap_source_open(const struct l7_host *host, const struct l7_config *config, bool check,
                            void **self)
{
    const char *file = host->config_text(config, "file");
    if (!file || !file[0]) {
        host->diag(host, L7_ERROR,
                   "option \"file\" is empty; name a capture file, or - for "
                   "standard input");
        return -EINVAL;
    }
    if (check && consumed_by_looking(file))
        return 0;

    struct source *source = source_new(host, config);
    if (!source) {
        host->diag(host, L7_ERROR, "%s: out of memory", file);
        return -ENOMEM;
    }
    int err = source_attach(source, file);
    if (err || check)
        pcap_source_close(source);
    else
        *self = source;
    return err;
}

/* Nanoseconds since the epoch of a stamp somebody else wrote. A classic file has 32 bits for the
 * seconds, which libpcap reads as signed: after January 2038 they come as negative numbers. */
static uint64_t stamp_ns(const struct timeval *stamp)
{
    int64_t sec = stamp->tv_sec;
    int64_t nsec = stamp->tv_usec; /* nanoseconds, as asked for at open */
    if (sec < 0)
        sec = sec >= INT32_MIN ? (int64_t)(uint32_t)(int32_t)sec : 0;
    if (sec > (int64_t)(UINT64_MAX / NSEC_PER_SEC) - 1)
        sec = (int64_t)(UINT64_MAX / NSEC_PER_SEC) - 1;
    if (nsec < 0 || nsec >= NSEC_PER_SEC)
        nsec = 0;
    return (uint64_t)sec * NSEC_PER_SEC + (uint64_t)nsec;
}

static int source_broken(struct source *source, const char *reason)
{
    source->host->diag(source->host, L7_ERROR, "%s: after %llu packets: %s%s", source->name,
                       (unsigned long long)source->stats.received, reason, remedy(reason));
    source->stats.lost++;
    return -EBADMSG;
}

/* The next whole record; 0, L7_RECEIVE_END, or negative errno after a diag. */
static int source_next(struct source *source, const struct pcap_pkthdr **header,
                       const uint8_t **bytes)
{
    struct pcap_pkthdr *record = NULL;
    int got = pcap_next_ex(source->pcap, &record, bytes);
    if (got == PCAP_ERROR_BREAK)
        return L7_RECEIVE_END;
    if (got != 1)
        return source_broken(source, pcap_geterr(source->pcap));
    if (record->caplen > RECORD_MAX)
        return source_broken(source, "the next record is larger than 256 KiB");
    *header = record;
    return 0;
}

static bool readable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, 0) != 0;
}

static int pcap_receive(void *self, struct l7_frame **frames, size_t max)
{
    struct source *source = self;
    size_t count = 0;
    size_t used = 0;

    if (max > FRAMES_MAX)
        max = FRAMES_MAX;
    while (!source->ended && count < max && ARENA_SIZE - used >= RECORD_MAX) {
        const struct pcap_pkthdr *header = NULL;
        const uint8_t *bytes = NULL;

        if (source->fd >= 0 && !readable(source->fd))
            break;
        source->ended = source_next(source, &header, &bytes);
        if (source->ended)
            break;

        struct l7_frame *frame = &source->frames[count];
        uint8_t *copy = source->arena + used;
        memcpy(copy, bytes, header->caplen);
        used += header->caplen;
        *frame = (struct l7_frame){
            .size = sizeof(*frame),
            .link = source->link,
            .data = copy,
            .len = header->caplen,
            .wire_len = header->len > header->caplen ? header->len : header->caplen,
            .time_ns = stamp_ns(&header->ts),
        };
        frames[count++] = frame;
        source->stats.received++;
    }
    return count ? (int)count : source->ended;
}

static void pcap_finalise(void *self, struct l7_frame *frame, enum l7_verdict verdict)
{
    (void)self;
    (void)frame;
    (void)verdict;
}

static int pcap_descriptor(void *self)
{
    const struct source *source = self;
    return source->fd;
}

static const char *pcap_iface_name(void *self, unsigned iface)
{
    const struct source *source = self;
    return iface == 0 ? source->interface : NULL;
}

static void pcap_source_stats(void *self, struct l7_capture_stats *stats)
{
    const struct source *source = self;
    *stats = source->stats;
    stats->size = sizeof(*stats);
}

static const struct l7_option options[] = {
    {"file", L7_OPTION_TEXT, 0, NULL, "the capture file (pcap or pcapng); - is standard input"},
    {"interface", L7_OPTION_TEXT, 0, "pcap", "the name records give as the incoming interface"},
};

static const struct l7_capture capture = {
    .size = sizeof(capture),
    .flags = L7_CAPTURE_OFFLINE,
    .open = pcap_source_open,
    .close = pcap_source_close,
    .descriptor = pcap_descriptor,
    .receive = pcap_receive,
    .finalise = pcap_finalise,
    .iface_name = pcap_iface_name,
    .stats = pcap_source_stats,
};

L7_PLUGIN(L7_KIND_CAPTURE, "pcap", .version = "1.0",
          .summary = "reads frames from a pcap or pcapng file", .options = options,
          .option_count = sizeof(options) / sizeof(options[0]), .capture = &capture);
