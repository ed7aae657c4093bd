/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes docs/config.md from the schema of the settings, and wraps generated Markdown at 100
 * columns. `tandemd --print-config-reference` prints the page, and command.c wraps docs/api.md by
 * it. Names, defaults, limits and help are those of the schema, so that documentation and program
 * cannot disagree.
 */

#include <inttypes.h>

#include "app/settings/settings.h"
#include "app/settings/settings_schema.h"
#include "base/clock.h"

static bool is_prose(struct bytes line)
{
	return line.n && line.p[0] != '|' && line.p[0] != '#' && line.p[0] != ' ';
}

/* Octets that begin a UTF-8 character take a column. */
static bool reference_is_column(uint8_t c)
{
	return (c & 0xc0) != 0x80;
}

static void wrap_line(uint8_t *p, size_t n)
{
	uint8_t *space = NULL;
	unsigned column = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ' ')
			space = p + i;
		column += reference_is_column(p[i]);
		if (column > REFERENCE_COLUMNS && space) {
			*space = '\n';
			i = (size_t)(space - p);
			column = 0;
			space = NULL;
		}
	}
}

void reference_wrap(struct writer *w)
{
	struct bytes rest = writer_done(w), line;
	bool fenced = false;

	while (bytes_cut(&rest, '\n', &line)) {
		if (bytes_starts(line, "```"))
			fenced = !fenced;
		else if (!fenced && is_prose(line))
			wrap_line(w->p + (line.p - w->p), line.n);
	}
}

/* docs/config.md from the schema, so that the two cannot disagree. */

static const char g_head[] =
	"# tandem.yaml\n"
	"\n"
	"Written by `tandemctl help config`; a test keeps this file equal to it.\n"
	"\n"
	"There is one file for a node. All errors are reported at once with file:line:column. An\n"
	"unknown key is an error.\n"
	"\n"
	"- `tandemd --check-config FILE` says whether a node could start with it here and now. It\n"
	"  looks at keys, certificates, addresses and ports, too (exit status 2: errors). It "
	"warns,\n"
	"  with status 0, of what a node starts with and cannot do: of a folder of recordings that "
	"it\n"
	"  cannot write, a full disk, prompts that are not there, and of peers in sip.trusted "
	"with\n"
	"  an address that anybody can forge. Of a node that runs with the file it says what\n"
	"  `/healthz` says.\n"
	"- `tandemd --check-syntax FILE` looks at the text alone.\n"
	"- SIGHUP reads the file again. A valid one is applied without dropping a call. An "
	"invalid\n"
	"  one changes nothing.\n"
	"- Settings marked *at start* need a restart. A reload names those that differ and keeps "
	"the\n"
	"  old ones.\n"
	"\n"
	"Durations are written `90s`, `250ms`, `5m`; ranges `20000-39999`. A minimal file:\n"
	"\n"
	"```yaml\n"
	"node:\n"
	"  name: node1\n"
	"  shard: 1\n"
	"  state_dir: /var/lib/tandem\n"
	"networks:\n"
	"  - name: main\n"
	"    bind: 192.0.2.10\n"
	"```\n"
	"\n"
	"Once, before the first start: `tandemctl init --config FILE` makes the keys and the "
	"certificate in `state_dir`.\n";

static void write_ns(struct writer *w, uint64_t ns)
{
	if (ns % NS_PER_S == 0) {
		writer_fmt(w, "%" PRIu64 "s", ns / NS_PER_S);
	} else {
		writer_fmt(w, "%" PRIu64 "ms", ns / NS_PER_MS);
	}
}

static void reference_write_names(struct writer *w, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		writer_fmt(w, "%s`%s`", i ? ", " : "", names[i]);
}

static void write_type(struct writer *w, const struct conf_field *f)
{
	switch (f->type) {
	case CONF_STRING:
		writer_fmt(w, "text, at most %zu bytes", f->size - 1);
		return;
	case CONF_U32:
		writer_fmt(w, "%" PRIu64 " to %" PRIu64, f->min, f->max);
		return;
	case CONF_BOOL:
		writer_str(w, "`true` or `false`");
		return;
	case CONF_ADDR:
		writer_str(w, "IPv4 or IPv6 address");
		return;
	case CONF_ENUM:
		reference_write_names(w, f->names);
		return;
	case CONF_DURATION:
		writer_str(w, "duration, ");
		write_ns(w, f->min);
		writer_str(w, " to ");
		write_ns(w, f->max);
		return;
	case CONF_RANGE:
		writer_fmt(w, "range within %" PRIu64 "-%" PRIu64, f->min, f->max);
		return;
	case CONF_U32_LIST:
		writer_fmt(w, "list of at most %" PRIu32 ", each %" PRIu64 " to %" PRIu64,
			   f->max_items, f->min, f->max);
		return;
	case CONF_STRING_LIST:
		writer_fmt(w, "list of at most %" PRIu32 " texts", f->max_items);
		return;
	case CONF_LIST:
		writer_fmt(w, "list of at most %" PRIu32 " items of ", f->max_items);
		for (const struct conf_field *in = f->fields; in->key; in++)
			writer_fmt(w, "%s`%s`", in == f->fields ? "" : ", ", in->key);
		return;
	case CONF_MAP:
		return;
	}
}

static void reference_write_row(struct writer *w, const struct conf_field *f)
{
	writer_fmt(w, "| `%s` | ", f->key);
	write_type(w, f);
	if (f->required) {
		writer_str(w, " | *required*");
	} else if (f->preset) {
		writer_fmt(w, " | `%s`", f->preset);
	} else {
		writer_str(w, " | ");
	}
	writer_fmt(w, " | %s | %s |\n", f->at_start ? "at start" : "reload", f->help);
}

static void write_section(struct writer *w, const char *above, const struct conf_field *section)
{
	bool list = section->type == CONF_LIST;

	writer_fmt(w, "\n## %s%s%s\n\n%s", above, above[0] ? "." : "", section->key, section->help);
	if (list)
		writer_fmt(w, " A list of at most %" PRIu32 " items of:", section->max_items);
	writer_str(w, "\n\n| Key | Value | Default | Change | Meaning |\n|---|---|---|---|---|\n");
	for (const struct conf_field *f = section->fields; f->key; f++)
		if (f->type != CONF_MAP)
			reference_write_row(w, f);
}

/* A section in a section comes after it. */
static void section_and_below(struct writer *w, const char *above, const struct conf_field *section)
{
	write_section(w, above, section);
	for (const struct conf_field *f = section->fields; f->key; f++)
		if (f->type == CONF_MAP || f->type == CONF_LIST)
			write_section(w, section->key, f);
}

void settings_write_reference(struct writer *w)
{
	writer_str(w, g_head);
	for (const struct conf_field *f = g_settings_fields; f->key; f++)
		section_and_below(w, "", f);
	reference_wrap(w);
}
