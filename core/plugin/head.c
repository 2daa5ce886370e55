/* SPDX-License-Identifier: Apache-2.0 */
/* head: decides from the file alone whether an object is a plugin this host can serve. No code of
 * the object runs and nothing of it is mapped for execution: a plugin for another SDK would
 * otherwise get its constructors run before anyone could say no. */

#include "plugin/head.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#elif defined(__riscv)
#define HOST_MACHINE EM_RISCV
#elif defined(__s390x__)
#define HOST_MACHINE EM_S390
#elif defined(__powerpc64__)
#define HOST_MACHINE EM_PPC64
#elif defined(__arm__)
#define HOST_MACHINE EM_ARM
#elif defined(__i386__)
#define HOST_MACHINE EM_386
#else
#error "add this machine's ELF number"
#endif

#if UINTPTR_MAX > UINT32_MAX
#define HOST_CLASS ELFCLASS64
#else
#define HOST_CLASS ELFCLASS32
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_DATA ELFDATA2LSB
#else
#define HOST_DATA ELFDATA2MSB
#endif

int refuse(char *why, size_t why_cap, int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, why_cap, format, args);
    va_end(args);
    return status;
}

static int bits(int class)
{
    return class == ELFCLASS64 ? 64 : 32;
}

static int machine_check(Elf *elf, char *why, size_t why_cap)
{
    GElf_Ehdr header;

    if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) || header.e_type != ET_DYN)
        return refuse(why, why_cap, -ENOEXEC, "not a shared object");
    int class = header.e_ident[EI_CLASS];
    if (header.e_machine != HOST_MACHINE || class != HOST_CLASS ||
        header.e_ident[EI_DATA] != HOST_DATA)
        return refuse(why, why_cap, -ENOEXEC,
                      "built for another machine (ELF machine %d, %d bits, %s endian; this host: "
                      "%d, %d bits, %s endian): rebuild it for this one",
                      header.e_machine, bits(class),
                      header.e_ident[EI_DATA] == ELFDATA2MSB ? "big" : "little", HOST_MACHINE,
                      bits(HOST_CLASS), HOST_DATA == ELFDATA2MSB ? "big" : "little");
    return 0;
}

static bool is_descriptor(Elf *elf, const GElf_Shdr *section, const GElf_Sym *symbol)
{
    const char *name = elf_strptr(elf, section->sh_link, symbol->st_name);
    unsigned char binding = GELF_ST_BIND(symbol->st_info);

    return name && strcmp(name, L7_PLUGIN_SYMBOL) == 0 &&
           GELF_ST_TYPE(symbol->st_info) == STT_OBJECT &&
           (binding == STB_GLOBAL || binding == STB_WEAK) && symbol->st_shndx != SHN_UNDEF &&
           symbol->st_shndx < SHN_LORESERVE;
}

/* The exported data symbol l7_plugin, among the dynamic symbols. */
static bool symbol_find(Elf *elf, GElf_Sym *found)
{
    for (Elf_Scn *scn = elf_nextscn(elf, NULL); scn; scn = elf_nextscn(elf, scn)) {
        GElf_Shdr section;
        if (!gelf_getshdr(scn, &section) || section.sh_type != SHT_DYNSYM)
            continue;
        Elf_Data *data = elf_getdata(scn, NULL);
        if (!data || !data->d_buf)
            continue;
        size_t count = data->d_size / gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
        for (size_t i = 0; i < count && i < INT32_MAX; i++)
            if (gelf_getsym(data, (int)i, found) && is_descriptor(elf, &section, found))
                return true;
    }
    return false;
}

/* The first HEAD_SIZE bytes of the descriptor. A section without contents reads as zero. */
static bool bytes_read(Elf *elf, const GElf_Sym *symbol, void *head)
{
    GElf_Shdr section;
    Elf_Scn *scn = elf_getscn(elf, symbol->st_shndx);

    memset(head, 0, HEAD_SIZE);
    if (!scn || !gelf_getshdr(scn, &section) || symbol->st_value < section.sh_addr)
        return false;
    GElf_Addr offset = symbol->st_value - section.sh_addr;
    if (section.sh_type == SHT_NOBITS)
        return true;
    Elf_Data *data = elf_rawdata(scn, NULL);
    if (!data || !data->d_buf || offset > data->d_size || data->d_size - offset < HEAD_SIZE)
        return false;
    memcpy(head, (const char *)data->d_buf + offset, HEAD_SIZE);
    return true;
}

static int version_check(const struct l7_plugin *head, char *why, size_t why_cap)
{
    if (head->sdk_major != L7_SDK_MAJOR)
        return refuse(why, why_cap, -ENOEXEC,
                      "built for SDK %u.%u, this host serves SDK %d.x: rebuild it against this "
                      "host's headers",
                      head->sdk_major, head->sdk_minor, L7_SDK_MAJOR);
    if (head->sdk_minor > L7_SDK_MINOR)
        return refuse(why, why_cap, -ENOEXEC,
                      "needs SDK %u.%u, this host has %d.%d: upgrade l7guard, or rebuild it "
                      "against this host's headers",
                      head->sdk_major, head->sdk_minor, L7_SDK_MAJOR, L7_SDK_MINOR);
    return 0;
}

static int identity_check(const struct l7_plugin *head, const char *name, char *why, size_t why_cap)
{
    if (head->kind != L7_KIND_CAPTURE && head->kind != L7_KIND_INSPECTOR &&
        head->kind != L7_KIND_LOG)
        return refuse(why, why_cap, -ENOEXEC, "kind %u is not one this host knows", head->kind);
    if (strnlen(head->name, L7_NAME_MAX) == L7_NAME_MAX)
        return refuse(why, why_cap, -ENOEXEC, "its name does not end within %d bytes", L7_NAME_MAX);
    if (strcmp(head->name, name) != 0)
        return refuse(why, why_cap, -ENOEXEC,
                      "calls itself \"%s\", but the file is \"%s.so\": file and plugin have one "
                      "name",
                      head->name, name);
    return 0;
}

static int elf_check(Elf *elf, const char *name, struct l7_plugin *head, char *why, size_t why_cap)
{
    static const char magic[sizeof(head->magic)] = L7_PLUGIN_MAGIC;
    GElf_Sym symbol;

    int status = machine_check(elf, why, why_cap);
    if (status)
        return status;
    if (!symbol_find(elf, &symbol))
        return refuse(why, why_cap, -ENOEXEC,
                      "exports no " L7_PLUGIN_SYMBOL ": not an l7guard plugin");
    memset(head, 0, sizeof(*head));
    if (symbol.st_size < HEAD_SIZE || !bytes_read(elf, &symbol, head))
        return refuse(why, why_cap, -ENOEXEC,
                      "descriptor is cut short: %llu bytes, at least %zu are needed",
                      (unsigned long long)symbol.st_size, HEAD_SIZE);
    if (memcmp(head->magic, magic, sizeof(magic)) != 0)
        return refuse(why, why_cap, -ENOEXEC,
                      "descriptor does not carry the mark \"" L7_PLUGIN_MAGIC
                      "\": not an l7guard plugin");
    /* The object's own idea of the size must hold: it is what gets copied later. */
    if (head->size < HEAD_SIZE || head->size > symbol.st_size)
        return refuse(why, why_cap, -ENOEXEC,
                      "descriptor is cut short: it says %u bytes and has %llu, at least %zu are "
                      "needed",
                      head->size, (unsigned long long)symbol.st_size, HEAD_SIZE);
    status = version_check(head, why, why_cap);
    return status ? status : identity_check(head, name, why, why_cap);
}

int head_read(const char *path, const char *name, struct l7_plugin *head, char *why, size_t why_cap)
{
    struct stat st;

    /* Not blocking: a pipe somebody put there must not stop the daemon. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int status = -errno;
        return refuse(why, why_cap, status, "cannot be opened: %s", strerror(-status));
    }
    int status;
    Elf *elf = NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        status = refuse(why, why_cap, -ENOEXEC, "not a shared object");
    else if (elf_version(EV_CURRENT) == EV_NONE || !(elf = elf_begin(fd, ELF_C_READ, NULL)))
        status = refuse(why, why_cap, -ENOEXEC, "not a shared object");
    else
        status = elf_check(elf, name, head, why, why_cap);
    if (elf)
        elf_end(elf);
    close(fd);
    return status;
}
