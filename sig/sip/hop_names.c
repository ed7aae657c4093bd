/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/hop_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/table.h"

struct hop_names {
	struct table numbers;
	uint32_t count;
	char *texts[HOP_NAMES_MAX];
};

int hop_names_open(struct hop_names **out)
{
	struct hop_names *n = calloc(1, sizeof(*n));

	if (!n || table_open(&n->numbers, HOP_NAMES_MAX)) {
		free(n);
		return -ENOMEM;
	}
	*out = n;
	return 0;
}

void hop_names_close(struct hop_names *n)
{
	if (!n)
		return;
	for (uint32_t i = 0; i < n->count; i++)
		free(n->texts[i]);
	table_close(&n->numbers);
	free(n);
}

static char hop_letter(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'
		       ? (char)c
		       : '\0';
}

/* 0: it is no name of a host. */
static size_t hop_name_write(char out[HOP_NAME_MAX], struct bytes name)
{
	size_t n = name.n && name.p[name.n - 1] == '.' ? name.n - 1 : name.n;

	if (n >= HOP_NAME_MAX)
		return 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = hop_letter(name.p[i]);
		if (!out[i])
			return 0;
	}
	out[n] = '\0';
	return n;
}

static uint16_t hop_names_add(struct hop_names *n, const char *text, uint64_t hash)
{
	size_t size = bytes_str(text).n + 1;
	char *copy = n->count < HOP_NAMES_MAX ? malloc(size) : NULL;

	if (!copy || table_put(&n->numbers, hash, n->count + 1)) {
		LOG_WARN("sip", 0, "no room for a name: its certificate must name the address",
			 LOG_STR("name", text));
		free(copy);
		return 0;
	}
	memcpy(copy, text, size);
	n->texts[n->count++] = copy;
	return (uint16_t)n->count;
}

uint16_t hop_names_put(struct hop_names *n, struct bytes name)
{
	static const struct hash_key key = { 0 }; /* no stranger chooses them */
	char text[HOP_NAME_MAX];
	uint32_t cursor = 0;
	uint64_t hash, found;

	if (!n || !hop_name_write(text, name))
		return 0;
	hash = hash_sip(&key, bytes_str(text));
	while ((found = table_next(&n->numbers, hash, &cursor)) != 0) {
		if (strcmp(n->texts[found - 1], text) == 0)
			return (uint16_t)found;
	}
	return hop_names_add(n, text, hash);
}

const char *hop_names_text(const struct hop_names *n, uint16_t name)
{
	return n && name && name <= n->count ? n->texts[name - 1] : "";
}
