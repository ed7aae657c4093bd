/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Oracle: a text gives either errors, each with a place in the text and one printable line, or values
 * within their limits. What was read does not depend on what was in the struct before, and written
 * out as YAML it reads back as the same.
 */
#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NETWORKS = 3, RATES = 5, TEXTS = 2, NAME_SIZE = 12 };

/* Without padding, so that whole structs can be compared. */
struct network {
	char name[NAME_SIZE];
	struct conf_range ports;
	struct addr bind;
};

struct settings {
	uint64_t timeout;
	uint32_t workers;
	int level;
	uint32_t rates[RATES];
	uint32_t rate_count;
	uint32_t network_count;
	char texts[TEXTS][NAME_SIZE];
	uint32_t text_count;
	uint32_t depth;
	struct network networks[NETWORKS];
	char key_file[NAME_SIZE + 3];
	bool verify;
};

static_assert(sizeof(struct network) == NAME_SIZE + 8 + sizeof(struct addr), "padding");
static_assert(sizeof(struct settings) == 92 + 3 * sizeof(struct network), "padding");

static const char *const LEVELS[] = { "error", "warn", "info", NULL };

#define AT(type_, member) .offset = offsetof(struct type_, member)

static const struct conf_field DEEP_FIELDS[] = {
	{ .key = "verify", .type = CONF_BOOL, AT(settings, verify), .preset = "true" },
	{ .key = "depth", .type = CONF_U32, AT(settings, depth), .max = 9 },
	{ 0 },
};

static const struct conf_field TLS_FIELDS[] = {
	{ .key = "key_file",
	  .type = CONF_STRING,
	  AT(settings, key_file),
	  .size = NAME_SIZE + 3,
	  .required = true },
	{ .key = "peer", .type = CONF_MAP, .fields = DEEP_FIELDS },
	{ 0 },
};

static const struct conf_field NETWORK_FIELDS[] = {
	{ .key = "name",
	  .type = CONF_STRING,
	  AT(network, name),
	  .size = NAME_SIZE,
	  .required = true },
	{ .key = "ports",
	  .type = CONF_RANGE,
	  AT(network, ports),
	  .min = 1024,
	  .max = 65535,
	  .preset = "2000-3000" },
	{ .key = "bind", .type = CONF_ADDR, AT(network, bind), .preset = "127.0.0.1" },
	{ 0 },
};

static const struct conf_field FIELDS[] = {
	{ .key = "workers",
	  .type = CONF_U32,
	  AT(settings, workers),
	  .min = 1,
	  .max = 64,
	  .preset = "2" },
	{ .key = "level",
	  .type = CONF_ENUM,
	  AT(settings, level),
	  .names = LEVELS,
	  .preset = "info" },
	{ .key = "timeout",
	  .type = CONF_DURATION,
	  AT(settings, timeout),
	  .min = NS_PER_MS,
	  .max = 86400 * NS_PER_S,
	  .preset = "5m" },
	{ .key = "rates",
	  .type = CONF_U32_LIST,
	  AT(settings, rates),
	  .max_items = RATES,
	  .count_offset = offsetof(struct settings, rate_count),
	  .min = 10,
	  .max = 1000,
	  .preset = "10, 20" },
	{ .key = "networks",
	  .type = CONF_LIST,
	  AT(settings, networks),
	  .max_items = NETWORKS,
	  .count_offset = offsetof(struct settings, network_count),
	  .size = sizeof(struct network),
	  .fields = NETWORK_FIELDS },
	{ .key = "texts",
	  .type = CONF_STRING_LIST,
	  AT(settings, texts),
	  .max_items = TEXTS,
	  .count_offset = offsetof(struct settings, text_count),
	  .size = NAME_SIZE },
	{ .key = "tls", .type = CONF_MAP, .fields = TLS_FIELDS },
	{ 0 },
};

static struct conf_errors g_errors;

static void check_errors(const struct conf_errors *errors, struct bytes yaml)
{
	assert(errors->count > 0 && errors->count <= CONF_ERRORS_MAX);
	assert(errors->total >= errors->count);
	for (uint32_t i = 0; i < errors->count; i++) {
		const struct conf_error *error = &errors->list[i];
		struct bytes message = bytes_str(error->message);

		assert(error->line >= 1 && error->line <= yaml.n + 1);
		assert(error->column >= 1 && error->column <= yaml.n + 1);
		assert(message.n > 0 && message.n < CONF_MESSAGE_MAX);
		for (size_t at = 0; at < message.n; at++)
			assert(message.p[at] >= ' ' && message.p[at] < 0x7f);
		assert(i == 0 || errors->list[i - 1].line <= error->line);
	}
}

static void check_network(const struct network *network)
{
	struct addr a;
	char text[ADDR_TEXT_MAX];

	assert(memchr(network->name, '\0', sizeof(network->name)));
	assert(network->ports.first >= 1024 && network->ports.last <= 65535);
	assert(network->ports.first <= network->ports.last);
	assert(addr_parse(&a, bytes_str(addr_text(&network->bind, text))) == 0);
	assert(addr_eq(&a, &network->bind));
}

static void check_values(const struct settings *s)
{
	assert(s->workers >= 1 && s->workers <= 64);
	assert(s->level >= 0 && s->level < 3);
	assert(s->timeout >= NS_PER_MS && s->timeout <= 86400 * NS_PER_S);
	assert(s->depth <= 9);
	assert(memchr(s->key_file, '\0', sizeof(s->key_file)));
	assert(s->rate_count <= RATES && s->network_count <= NETWORKS);
	for (uint32_t i = 0; i < s->rate_count; i++)
		assert(s->rates[i] >= 10 && s->rates[i] <= 1000);
	assert(s->text_count <= TEXTS);
	for (uint32_t i = 0; i < s->text_count; i++)
		assert(memchr(s->texts[i], '\0', sizeof(s->texts[i])));
	for (uint32_t i = 0; i < s->network_count; i++)
		check_network(&s->networks[i]);
}

/* The next code point of UTF-8 that libyaml let through. */
static uint32_t code_point(const uint8_t **at)
{
	const uint8_t *p = *at;
	uint32_t length = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t v = length == 1 ? p[0] : p[0] & (0xffU >> (length + 1));

	for (uint32_t i = 1; i < length; i++) {
		assert((p[i] & 0xc0) == 0x80);
		v = v << 6 | (p[i] & 0x3f);
	}
	*at += length;
	return v;
}

/* Double quoted, each character by its number (YAML 1.1 5.6). */
static void string_write(struct writer *w, const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	writer_u8(w, '"');
	while (*at)
		writer_fmt(w, "\\U%08X", code_point(&at));
	writer_u8(w, '"');
}

static void settings_write(struct writer *w, const struct settings *s)
{
	char text[ADDR_TEXT_MAX];

	writer_fmt(w, "workers: %u\nlevel: %s\ntimeout: %" PRIu64 "ms\nrates: [", s->workers,
		   LEVELS[s->level], s->timeout / NS_PER_MS);
	for (uint32_t i = 0; i < s->rate_count; i++)
		writer_fmt(w, "%s%u", i ? ", " : "", s->rates[i]);
	writer_str(w, "]\ntexts: [");
	for (uint32_t i = 0; i < s->text_count; i++) {
		writer_str(w, i ? ", " : "");
		string_write(w, s->texts[i]);
	}
	writer_str(w, "]\ntls:\n  key_file: ");
	string_write(w, s->key_file);
	writer_fmt(w, "\n  peer: {verify: %s, depth: %u}\nnetworks:\n",
		   s->verify ? "true" : "false", s->depth);
	for (uint32_t i = 0; i < s->network_count; i++) {
		const struct network *network = &s->networks[i];

		writer_str(w, "  - name: ");
		string_write(w, network->name);
		writer_fmt(w, "\n    ports: %u-%u\n    bind: '%s'\n", network->ports.first,
			   network->ports.last, addr_text(&network->bind, text));
	}
}

static void check_round_trip(const struct settings *s)
{
	static uint8_t yaml[4096];
	struct writer w = writer_over(yaml, sizeof(yaml));
	struct settings back;

	settings_write(&w, s);
	assert(!w.overflow);
	memset(&back, 0x5a, sizeof(back));
	assert(conf_read(&back, FIELDS, writer_done(&w), &g_errors) == 0);
	assert(memcmp(s, &back, sizeof(back)) == 0);
}

static void check_places(struct bytes yaml)
{
	static const char *const paths[] = { "workers", "networks[0].name", "tls.peer.depth",
					     "rates[1]", "" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		uint32_t line = 0;
		uint32_t column = 0;

		if (conf_where(yaml, paths[i], &line, &column) == 0)
			assert(line >= 1 && column >= 1 && line <= yaml.n + 1);
		else
			assert(line == 0 && column == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes yaml = bytes_mem(data, size);
	struct settings a, b;
	int err;

	memset(&a, 0x00, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	err = conf_read(&a, FIELDS, yaml, &g_errors);
	assert((err == 0) == (g_errors.total == 0));
	if (err)
		check_errors(&g_errors, yaml);
	assert(conf_read(&b, FIELDS, yaml, &g_errors) == err);
	check_places(yaml);
	if (err)
		return 0;
	assert(memcmp(&a, &b, sizeof(a)) == 0);
	check_values(&a);
	check_round_trip(&a);
	return 0;
}
