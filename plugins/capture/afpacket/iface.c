/* SPDX-License-Identifier: Apache-2.0 */
/* iface: see iface.h. netdevice(7); for the offload the one-value ioctls of ethtool, which every
 * driver answers (the kernel maps them to its feature flags), and which say all that is asked. */
#include "iface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int iface_ask(const char *name, unsigned long what, struct ifreq *request)
{
    size_t length = strlen(name);
    if (length >= sizeof(request->ifr_name))
        return -EINVAL;
    memset(request->ifr_name, 0, sizeof(request->ifr_name));
    memcpy(request->ifr_name, name, length);

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = ioctl(fd, what, request) < 0 ? -errno : 0;
    close(fd);
    return err;
}

int iface_type(const char *name)
{
    struct ifreq request = {.ifr_ifindex = 0};
    int err = iface_ask(name, SIOCGIFHWADDR, &request);
    return err ? err : request.ifr_hwaddr.sa_family;
}

bool iface_is_up(const char *name)
{
    struct ifreq request = {.ifr_ifindex = 0};
    return iface_ask(name, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP);
}

unsigned iface_mtu(const char *name)
{
    struct ifreq request = {.ifr_ifindex = 0};
    return iface_ask(name, SIOCGIFMTU, &request) == 0 ? (unsigned)request.ifr_mtu : 0;
}

int iface_tx_checksum_read(const char *name, bool *on)
{
    struct ethtool_value value = {.cmd = ETHTOOL_GTXCSUM};
    struct ifreq request = {.ifr_data = (void *)&value};
    int err = iface_ask(name, SIOCETHTOOL, &request);
    if (!err)
        *on = value.data != 0;
    return err;
}

int iface_tx_checksum_write(const char *name, bool on)
{
    struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = on};
    struct ifreq request = {.ifr_data = (void *)&value};
    bool now = !on;
    int err = iface_ask(name, SIOCETHTOOL, &request);
    if (!err)
        err = iface_tx_checksum_read(name, &now);
    /* A driver may leave a fixed feature as it is and say nothing. */
    return err ? err : now == on ? 0 : -EOPNOTSUPP;
}
