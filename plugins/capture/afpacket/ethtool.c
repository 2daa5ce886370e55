/* SPDX-License-Identifier: Apache-2.0 */
/* ethtool: the one-value ioctls, which every driver answers (the kernel maps them to its feature
 * flags), and which say all that is asked here: on or off. */
#include "ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ethtool_call(const char *name, struct ethtool_value *value)
{
    struct ifreq request = {.ifr_data = (void *)value};
    size_t length = strlen(name);
    if (length >= sizeof(request.ifr_name))
        return -EINVAL;
    memcpy(request.ifr_name, name, length);

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
    close(fd);
    return err;
}

int ethtool_tx_checksum_read(const char *name, bool *on)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GTXCSUM};
    int err = ethtool_call(name, &value);
    if (!err)
        *on = value.data != 0;
    return err;
}

int ethtool_tx_checksum_write(const char *name, bool on)
{
    struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = on};
    bool now = !on;
    int err = ethtool_call(name, &value);
    if (!err)
        err = ethtool_tx_checksum_read(name, &now);
    /* A driver may leave a fixed feature as it is and say nothing. */
    return err ? err : now == on ? 0 : -EOPNOTSUPP;
}
