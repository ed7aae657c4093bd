/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the members of a tar archive (POSIX ustar), which is what tandemctl backup
 * makes. Only regular files with relative names are known: an archive from elsewhere must not write
 * outside its folder. It opens no file itself.
 */
#include <stdio.h>
#include <string.h>

#include "app/ctl/ctl_tar.h"

/* Where fields are, and how long. */
enum {
	NAME_AT = 0,
	NAME_LEN = 100,
	MODE_AT = 100,
	UID_AT = 108,
	GID_AT = 116,
	ID_LEN = 8,
	SIZE_AT = 124,
	TIME_AT = 136,
	LONG_LEN = 12,
	SUM_AT = 148,
	SUM_LEN = 8,
	TYPE_AT = 156,
	MAGIC_AT = 257,
	PREFIX_AT = 345,
	PREFIX_LEN = 155,
};
static const char g_magic[] = "ustar\00000"; /* with the version behind it */

size_t tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK - 1));
}

bool tar_name_fits(struct bytes name)
{
	struct bytes rest = name, part;

	if (!name.n || name.n >= TAR_NAME_MAX || name.p[name.n - 1] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	}
	while (bytes_cut(&rest, '/', &part)) {
		if (!part.n || part.p[0] == '.')
			return false;
	}
	return true;
}

static unsigned tar_sum(const uint8_t block[TAR_BLOCK])
{
	unsigned sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= SUM_AT && i < SUM_AT + SUM_LEN ? ' ' : block[i];
	return sum;
}

static void octal_write(uint8_t *at, size_t n, uint64_t value)
{
	for (size_t i = n - 1; i > 0; i--, value >>= 3)
		at[i - 1] = (uint8_t)('0' + (value & 7));
}

/* False: other octets than digits, or none. */
static bool octal_read(const uint8_t *at, size_t n, uint64_t *out)
{
	size_t i = 0;

	for (*out = 0; i < n && at[i] >= '0' && at[i] <= '7'; i++)
		*out = *out << 3 | (uint64_t)(at[i] - '0');
	return i && (i == n || !at[i] || at[i] == ' ');
}

/* Where the name is cut into prefix and name; -1: it does not fit. */
static int tar_name_cut(struct bytes name)
{
	if (name.n <= NAME_LEN)
		return 0;
	for (size_t i = name.n - NAME_LEN - 1; i < name.n && i <= PREFIX_LEN; i++) {
		if (name.p[i] == '/' && i)
			return (int)i;
	}
	return -1;
}

bool tar_head_write(uint8_t out[TAR_BLOCK], const struct tar_head *h)
{
	struct bytes name = bytes_str(h->name);
	int cut = tar_name_cut(name);

	if (!tar_name_fits(name) || cut < 0 || h->size >> 33 || h->utc_s >> 33)
		return false;
	memset(out, 0, TAR_BLOCK);
	memcpy(out + PREFIX_AT, name.p, (size_t)cut);
	memcpy(out + NAME_AT, name.p + cut + (cut > 0), name.n - (size_t)cut - (cut > 0));
	octal_write(out + MODE_AT, ID_LEN, 0600);
	octal_write(out + UID_AT, ID_LEN, 0);
	octal_write(out + GID_AT, ID_LEN, 0);
	octal_write(out + SIZE_AT, LONG_LEN, h->size);
	octal_write(out + TIME_AT, LONG_LEN, h->utc_s);
	out[TYPE_AT] = '0';
	memcpy(out + MAGIC_AT, g_magic, sizeof(g_magic) - 1);
	octal_write(out + SUM_AT, SUM_LEN - 1, tar_sum(out));
	out[SUM_AT + SUM_LEN - 1] = ' ';
	return true;
}

static bool block_is_zero(const uint8_t block[TAR_BLOCK])
{
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		if (block[i])
			return false;
	}
	return true;
}

const char *tar_head_parse(struct tar_head *out, const uint8_t block[TAR_BLOCK])
{
	const char *text = (const char *)block;
	size_t before = strnlen(text + PREFIX_AT, PREFIX_LEN),
	       behind = strnlen(text + NAME_AT, NAME_LEN);
	struct tar_head h = { 0 };
	uint64_t sum;

	if (block_is_zero(block)) {
		*out = h;
		return NULL;
	}
	if (memcmp(block + MAGIC_AT, g_magic, sizeof(g_magic) - 1) != 0)
		return "no head of a tar archive (ustar)";
	if (!octal_read(block + SUM_AT, SUM_LEN, &sum) || sum != tar_sum(block))
		return "a damaged head: its checksum is another one";
	if (!octal_read(block + SIZE_AT, LONG_LEN, &h.size) ||
	    !octal_read(block + TIME_AT, LONG_LEN, &h.utc_s) || h.size >> 33 || h.utc_s >> 33)
		return "a head with no size";
	if (block[TYPE_AT] != '0')
		return "something else than a file";
	(void)snprintf(h.name, sizeof(h.name), "%.*s%s%.*s", (int)before, text + PREFIX_AT,
		       before ? "/" : "", (int)behind, text + NAME_AT);
	if (!tar_name_fits(bytes_str(h.name)))
		return "a name that leads elsewhere";
	*out = h;
	return NULL;
}
