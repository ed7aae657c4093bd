/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renders the files of a phone (phone_files.h). One table says which file is made of which
 * template, another which names templates may use, in the order in which values are filled in here.
 * Lines of which a phone has none are written empty: a phone keeps what a later file does not name.
 */
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/feature/provision/phone_files.h"
#include "app/feature/provision/template.h"

/* In the order of phone_fields_fill. */
static const struct template_field g_phone_fields[] = {
	{ "revision", TEMPLATE_VALUE },
	{ "mac", TEMPLATE_VALUE },
	{ "number", TEMPLATE_VALUE },
	{ "server", TEMPLATE_VALUE },
	{ "srtp", TEMPLATE_VALUE },
	{ "digit_map", TEMPLATE_VALUE },
	{ "application", TEMPLATE_VALUE },
	{ "more_files", TEMPLATE_VALUE },
	{ "offset_s", TEMPLATE_VALUE },
	{ "time_server", TEMPLATE_VALUE },
	{ "dst", TEMPLATE_VALUE },
	{ "dst_start_month", TEMPLATE_VALUE },
	{ "dst_start_date", TEMPLATE_VALUE },
	{ "dst_start_day", TEMPLATE_VALUE },
	{ "dst_start_hour", TEMPLATE_VALUE },
	{ "dst_start_last", TEMPLATE_VALUE },
	{ "dst_stop_month", TEMPLATE_VALUE },
	{ "dst_stop_date", TEMPLATE_VALUE },
	{ "dst_stop_day", TEMPLATE_VALUE },
	{ "dst_stop_hour", TEMPLATE_VALUE },
	{ "dst_stop_last", TEMPLATE_VALUE },
	{ "video_kbps", TEMPLATE_VALUE },
	{ "paging", TEMPLATE_VALUE },
	{ "paging_address", TEMPLATE_VALUE },
	{ "paging_port", TEMPLATE_VALUE },
	{ "record_url", TEMPLATE_VALUE },
	{ "record_key", TEMPLATE_VALUE },
	{ "srtp_required", TEMPLATE_VALUE },
	{ "clock_24", TEMPLATE_VALUE },
	{ "video", TEMPLATE_VALUE },
	{ "columns", TEMPLATE_VALUE },
	{ "directory_key", TEMPLATE_VALUE },
	{ "display_name", TEMPLATE_VALUE },
	{ "auth_user", TEMPLATE_VALUE },
	{ "password", TEMPLATE_VALUE },
	{ "port", TEMPLATE_VALUE },
	{ "expires_min", TEMPLATE_VALUE },
	{ "transport_number", TEMPLATE_VALUE },
	{ "srtp_forced", TEMPLATE_VALUE },
	{ "clock_on", TEMPLATE_VALUE },
	{ "clock_word", TEMPLATE_VALUE },
	{ "blf_list", TEMPLATE_VALUE },
	{ "blf_on", TEMPLATE_VALUE },
	{ "blf_splash", TEMPLATE_VALUE },
	{ "blf_ring", TEMPLATE_VALUE },
	{ "dscp_sip", TEMPLATE_VALUE },
	{ "dscp_audio", TEMPLATE_VALUE },
	{ "dscp_video", TEMPLATE_VALUE },
	{ "menu_set", TEMPLATE_VALUE },
	{ "menu_password", TEMPLATE_VALUE },
	{ "browser_url", TEMPLATE_VALUE },
	{ "directory_url", TEMPLATE_VALUE },
	{ "directory_page", TEMPLATE_VALUE },
	{ "call_softkeys", TEMPLATE_VALUE },
	{ "paging_default", TEMPLATE_VALUE },
	{ "paging_in_calls", TEMPLATE_VALUE },
	{ "application_212", TEMPLATE_VALUE },
	{ "more_files_212", TEMPLATE_VALUE },
	{ NULL, TEMPLATE_VALUE },
};
enum {
	FIELD_REVISION,
	FIELD_APPLICATION = 6,
	FIELD_MORE_FILES,
	FIELD_PASSWORD = 34,
	PHONE_FIELDS = COUNT_OF(g_phone_fields) - 1,
	FIELD_APPLICATION_212 = PHONE_FIELDS - 2,
	FIELD_MORE_FILES_212,
};

/* In the order of phone_line_fill. */
static const struct template_field g_line_fields[] = {
	{ "line", TEMPLATE_PART },
	{ "display_name", TEMPLATE_VALUE },
	{ "address", TEMPLATE_VALUE },
	{ "label", TEMPLATE_VALUE },
	{ "auth_user", TEMPLATE_VALUE },
	{ "password", TEMPLATE_VALUE },
	{ "port", TEMPLATE_VALUE },
	{ "transport", TEMPLATE_VALUE },
	{ "expires", TEMPLATE_VALUE },
	{ "server", TEMPLATE_VALUE },
	{ "enabled", TEMPLATE_VALUE },
	{ "register", TEMPLATE_VALUE },
	{ "secondary", TEMPLATE_VALUE },
	{ "secondary_port", TEMPLATE_VALUE },
	{ "secondary_transport", TEMPLATE_VALUE },
	{ "secondary_register", TEMPLATE_VALUE },
	{ "enabled_on", TEMPLATE_VALUE },
	{ "enabled_yes", TEMPLATE_VALUE },
	{ "transport_number", TEMPLATE_VALUE },
	{ "transport_name", TEMPLATE_VALUE },
	{ "transport_fanvil", TEMPLATE_VALUE },
	{ "srtp_forced", TEMPLATE_VALUE },
	{ "srtp_on", TEMPLATE_VALUE },
	{ "outbound", TEMPLATE_VALUE },
	{ "proxy", TEMPLATE_VALUE },
	{ NULL, TEMPLATE_VALUE },
};
enum { LINE_PASSWORD = 5, LINE_FIELDS = COUNT_OF(g_line_fields) - 1 };

static const struct template_field g_override_fields[] = { { "key", TEMPLATE_KEY },
							   { "value", TEMPLATE_VALUE },
							   { NULL, TEMPLATE_VALUE } };
static const struct template_field g_person_fields[] = { { "last_name", TEMPLATE_VALUE },
							 { "first_name", TEMPLATE_VALUE },
							 { "contact", TEMPLATE_VALUE },
							 { NULL, TEMPLATE_VALUE } };
static const struct template_field g_channel_fields[] = { { "channel", TEMPLATE_PART },
							  { "label", TEMPLATE_VALUE },
							  { "heard", TEMPLATE_VALUE },
							  { "subscribed", TEMPLATE_VALUE },
							  { NULL, TEMPLATE_VALUE } };
enum { OVERRIDE_FIELDS = 2, PERSON_FIELDS = 3, CHANNEL_FIELDS = 4 };

enum { LIST_LINES, LIST_OVERRIDES, LIST_PEOPLE, LIST_CHANNELS };
static const struct template_list g_phone_lists[] = {
	[LIST_LINES] = { "lines", g_line_fields },
	[LIST_OVERRIDES] = { "overrides", g_override_fields },
	[LIST_PEOPLE] = { "people", g_person_fields },
	[LIST_CHANNELS] = { "channels", g_channel_fields },
	{ NULL, NULL },
};
static const struct template_names g_phone_names = { g_phone_fields, g_phone_lists };

/* Files of a family in the order in which they are made: the one that names the others is the last.
 * In a name, M is the MAC, and N the number of the first line. */
struct phone_family_file {
	const char *family, *template, *name, *type;
	bool first, last; /* for a phone: which one it asks for first, and last */
};
#define PHONE_XML   "text/xml; charset=utf-8"
#define PHONE_PLAIN "text/plain; charset=utf-8"
static const struct phone_family_file g_family_files[] = {
	{ "polycom-8.5", "user.cfg", "Extension_N_user.cfg", PHONE_XML },
	{ "polycom-8.5", "global.cfg", "altigen10060_user.cfg", PHONE_XML },
	{ "polycom-8.5", "extension.cfg", "Extension_N.cfg", PHONE_XML, .last = true },
	{ "polycom-8.5", "directory.xml", "M-directory.xml", PHONE_XML },
	{ "polycom-8.5", "master.cfg", "M.cfg", PHONE_XML, .first = true },
	{ "polycom-7.0", "user.cfg", "M_user.cfg", PHONE_XML },
	{ "polycom-7.0", "extension.cfg", "N.cfg", PHONE_XML },
	{ "polycom-7.0", "global.cfg", "altigen.cfg", PHONE_XML, .last = true },
	{ "polycom-7.0", "directory.xml", "M-directory.xml", PHONE_XML },
	{ "polycom-7.0", "master.cfg", "M.cfg", PHONE_XML, .first = true },
	{ "polycom-bare", "phone.cfg", "M.cfg", PHONE_XML, .first = true, .last = true },
	{ "cisco", "phone.xml", "M.xml", PHONE_XML, .first = true, .last = true },
	{ "fanvil", "phone.cfg", "M.cfg", PHONE_XML, .first = true, .last = true },
	{ "grandstream", "phone.xml", "cfgM.xml", PHONE_XML, .first = true, .last = true },
	{ "snom", "phone.xml", "snom-M.xml", PHONE_XML, .first = true, .last = true },
	{ "yealink", "phone.cfg", "M.cfg", PHONE_PLAIN, .first = true, .last = true },
};
enum { TEMPLATES_MAX = 64, DEFAULT_SIZE_MAX = 4096, NUMBER_TEXT = 16, PHONE_ADDRESS_MAX = 768 };

static struct {
	struct template *parsed[TEMPLATES_MAX]; /* in the order of g_phone_templates */
	char fallback[PHONE_DEFAULTS][DEFAULT_SIZE_MAX];
	size_t fallback_n[PHONE_DEFAULTS];
} g_loaded;

/* NULL if there is no such template. source: its text; or NULL. */
static const struct template *template_of(const char *family, const char *name, const char **source)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", family, name);
	for (size_t i = 0; g_phone_templates[i].name; i++) {
		if (strcmp(g_phone_templates[i].name, path) != 0)
			continue;
		if (source)
			*source = g_phone_templates[i].text;
		return g_loaded.parsed[i];
	}
	return NULL;
}

static const char *const g_default_families[2] = { "polycom-8.5", "polycom-bare" };

static int default_render(enum phone_default which)
{
	bool bare = which == PHONE_DEFAULT_BARE || which == PHONE_DEFAULT_FIRMWARE;
	bool firmware = which >= PHONE_DEFAULT_FIRMWARE;
	struct bytes empty[PHONE_FIELDS] = { [FIELD_APPLICATION] = bytes_str(
						     firmware ? "bare-firmware/sip.ld" : "") };
	const struct template_values values = { .fields = empty };
	struct writer w = writer_over(g_loaded.fallback[which], DEFAULT_SIZE_MAX);
	const struct template *t = template_of(g_default_families[bare], "default.cfg", NULL);

	if (!t || !template_render(t, &values, &w) || w.overflow)
		return -EBADMSG;
	g_loaded.fallback_n[which] = w.n;
	return 0;
}

int phone_files_load(char *why, size_t why_size)
{
	char wrong[TEMPLATE_WRONG_MAX];
	int err = 0;

	for (size_t i = 0; g_phone_templates[i].name && !err; i++) {
		err = i == TEMPLATES_MAX ? -ENOMEM
					 : template_parse(&g_loaded.parsed[i],
							  bytes_str(g_phone_templates[i].text),
							  &g_phone_names, wrong);
		if (err)
			(void)snprintf(why, why_size, "%s: %s", g_phone_templates[i].name, wrong);
	}
	for (size_t i = 0; i < COUNT_OF(g_family_files) && !err; i++) {
		if (!template_of(g_family_files[i].family, g_family_files[i].template, NULL)) {
			err = -EBADMSG;
			(void)snprintf(why, why_size, "%s is missing", g_family_files[i].template);
		}
	}
	for (int i = 0; i < PHONE_DEFAULTS && !err; i++)
		err = default_render((enum phone_default)i);
	if (err == -EBADMSG && !why[0]) {
		(void)snprintf(why, why_size, "default.cfg cannot be rendered");
	}
	if (err)
		phone_files_unload();
	return err;
}

void phone_files_unload(void)
{
	for (size_t i = 0; i < TEMPLATES_MAX; i++)
		template_free(g_loaded.parsed[i]);
	memset(&g_loaded, 0, sizeof(g_loaded));
}

struct bytes phone_files_default(enum phone_default which)
{
	return bytes_mem(g_loaded.fallback[which], g_loaded.fallback_n[which]);
}

/* ---- values ---- */

/* Values of one phone, with the texts that are made for them. */
struct phone_values {
	struct bytes fields[PHONE_FIELDS];
	struct bytes lines[PHONE_LINES_MAX * LINE_FIELDS];
	struct bytes overrides[PHONE_OVERRIDES_MAX * OVERRIDE_FIELDS];
	struct bytes people[PHONE_PEOPLE_MAX * PERSON_FIELDS];
	struct bytes channels[PHONE_CHANNELS * CHANNEL_FIELDS];
	char channel[PHONE_CHANNELS][NUMBER_TEXT];
	struct template_values all;
	char port[NUMBER_TEXT], expires[NUMBER_TEXT], offset[NUMBER_TEXT], columns[NUMBER_TEXT];
	char expires_min[NUMBER_TEXT], dscp[3][NUMBER_TEXT], kbps[NUMBER_TEXT];
	char application[PHONE_FILE_NAME_MAX], application_212[PHONE_FILE_NAME_MAX];
	char start[4][NUMBER_TEXT], stop[4][NUMBER_TEXT], secondary_port[NUMBER_TEXT];
	char paging_port[NUMBER_TEXT], paging_default[NUMBER_TEXT];
	char directory[PHONE_ADDRESS_MAX];
	char list[PHONE_ADDRESS_MAX], outbound[PHONE_ADDRESS_MAX], proxy[PHONE_ADDRESS_MAX];
	const struct phone_transport *transport;
	struct writer marked; /* the text that the revision is of */
	uint8_t marked_space[PHONE_FILES_SIZE_MAX];
};

static struct bytes flag_text(bool flag)
{
	return flag ? BYTES_LIT("1") : BYTES_LIT("0");
}

/* As makes have it, by the word of Polycom, which facts have. */
static const struct phone_transport {
	const char *polycom, *name, *parameter, *number, *fanvil;
} g_transports[] = {
	{ "UDPOnly", "UDP", "udp", "0", "0" },
	{ "TCPOnly", "TCP", "tcp", "1", "1" },
	{ "TLS", "TLS", "tls", "2", "3" },
};

static const struct phone_transport *phone_transport_of(const char *polycom)
{
	for (size_t i = 0; i < COUNT_OF(g_transports); i++) {
		if (!strcmp(g_transports[i].polycom, polycom))
			return &g_transports[i];
	}
	return &g_transports[0];
}

static struct bytes phone_flag_word(bool flag, const char *yes, const char *no)
{
	return bytes_str(flag ? yes : no);
}

static const char *line_display_name(const struct phone_line *l)
{
	return l->display_name && l->display_name[0] ? l->display_name : l->number;
}

static bool phone_has_secondary(const struct phone_facts *f)
{
	return f->secondary && f->secondary[0];
}

static bool phone_is_paged(const struct phone_facts *f)
{
	bool paged = false;

	for (uint32_t i = 0; i < PHONE_CHANNELS; i++)
		paged |= f->channels[i].heard;
	return paged;
}

static void phone_channels_fill(struct phone_values *v, const struct phone_facts *f)
{
	for (uint32_t i = 0; i < PHONE_CHANNELS; i++) {
		struct bytes *row = &v->channels[i * CHANNEL_FIELDS];

		(void)snprintf(v->channel[i], NUMBER_TEXT, "%u", i + 1);
		row[0] = bytes_str(v->channel[i]);
		row[1] = bytes_str(f->channels[i].label);
		row[2] = flag_text(f->channels[i].heard);
		row[3] = flag_text(f->channels[i].subscribed);
	}
	v->all.lists[LIST_CHANNELS] = (struct template_rows){ v->channels, PHONE_CHANNELS };
}

static void phone_fields_fill(struct phone_values *v, const struct phone_facts *f,
			      const char *revision)
{
	const struct phone_line *l = &f->lines[0];
	const struct bytes fields[PHONE_FIELDS] = {
		bytes_str(revision),
		bytes_str(f->mac),
		bytes_str(l->number),
		bytes_str(f->server),
		flag_text(f->srtp),
		bytes_str(f->digit_map),
		bytes_str(v->application),
		bytes_str(f->more_files),
		bytes_str(v->offset),
		bytes_str(f->time_server),
		flag_text(f->clock.saves),
		bytes_str(v->start[0]),
		bytes_str(v->start[1]),
		bytes_str(v->start[2]),
		bytes_str(v->start[3]),
		flag_text(f->clock.start.last),
		bytes_str(v->stop[0]),
		bytes_str(v->stop[1]),
		bytes_str(v->stop[2]),
		bytes_str(v->stop[3]),
		flag_text(f->clock.stop.last),
		bytes_str(v->kbps),
		flag_text(phone_is_paged(f)),
		bytes_str(f->paging_address),
		bytes_str(v->paging_port),
		bytes_str(f->record_url),
		flag_text(f->record_url && f->record_url[0]),
		flag_text(f->srtp && !phone_has_secondary(f)),
		flag_text(f->clock_24),
		flag_text(f->video),
		bytes_str(v->columns),
		flag_text(f->directory_key),
		bytes_str(line_display_name(l)),
		bytes_str(l->auth_user),
		bytes_str(l->password),
		bytes_str(v->port),
		bytes_str(v->expires_min),
		bytes_str(v->transport->number),
		phone_flag_word(f->srtp, "2", "0"),
		phone_flag_word(f->clock_24, "on", "off"),
		phone_flag_word(f->clock_24, "24hr", "12hr"),
		bytes_str(v->list),
		phone_flag_word(v->list[0], "on", "off"),
		flag_text(f->blf_splash),
		phone_flag_word(f->blf_splash, "ringer2", "silent"),
		bytes_str(v->dscp[0]),
		bytes_str(v->dscp[1]),
		bytes_str(v->dscp[2]),
		flag_text(f->menu_password && f->menu_password[0]),
		bytes_str(f->menu_password),
		bytes_str(f->browser_url),
		bytes_str(v->directory),
		flag_text(f->directory_page),
		flag_text(!f->call_keys),
		bytes_str(v->paging_default),
		flag_text(f->paging_in_calls),
		bytes_str(v->application_212),
		bytes_str(v->application_212[0] ? f->more_files_212 : ""),
	};

	memcpy(v->fields, fields, sizeof(fields));
}

static void phone_line_fill(struct phone_values *v, const struct phone_facts *f, uint32_t i)
{
	static const char *const numbers[PHONE_LINES_MAX] = { "1", "2", "3", "4", "5", "6" };
	const struct phone_line *l = &f->lines[i];
	bool used = l->number && l->number[0], second = used && phone_has_secondary(f);
	const struct bytes values[LINE_FIELDS] = {
		bytes_str(numbers[i]),
		bytes_str(line_display_name(l)),
		bytes_str(l->number),
		bytes_str(l->number),
		bytes_str(l->auth_user),
		bytes_str(l->password),
		bytes_str(used ? v->port : ""),
		bytes_str(used ? f->transport : ""),
		bytes_str(used ? v->expires : ""),
		bytes_str(used ? f->server : ""),
		flag_text(used),
		flag_text(used && !f->bare),
		bytes_str(second ? f->secondary : ""),
		bytes_str(second ? v->secondary_port : ""),
		bytes_str(second ? "UDPOnly" : ""),
		flag_text(second && f->secondary_registers),
		phone_flag_word(used, "on", "off"),
		phone_flag_word(used, "Yes", "No"),
		bytes_str(v->transport->number),
		bytes_str(v->transport->name),
		bytes_str(v->transport->fanvil),
		phone_flag_word(used && f->srtp, "2", "0"),
		phone_flag_word(used && f->srtp, "on", "off"),
		bytes_str(used ? v->outbound : ""),
		bytes_str(used ? v->proxy : ""),
	};

	memcpy(v->lines + (size_t)i * LINE_FIELDS, values, sizeof(values));
}

static void phone_change_fill(char out[4][NUMBER_TEXT], const struct phone_change *c)
{
	const uint8_t of[4] = { c->month, c->date, c->weekday, c->hour };

	for (size_t i = 0; i < COUNT_OF(of); i++)
		(void)snprintf(out[i], NUMBER_TEXT, "%u", of[i]);
}

static int phone_texts_fill(struct phone_values *v, const struct phone_facts *f)
{
	const uint8_t dscp[3] = { f->dscp_sip, f->dscp_audio, f->dscp_video };
	bool good = true;

	v->transport = phone_transport_of(f->transport);
	(void)snprintf(v->port, sizeof(v->port), "%u", f->port);
	(void)snprintf(v->expires, sizeof(v->expires), "%u", f->expires_s);
	(void)snprintf(v->expires_min, sizeof(v->expires_min), "%u", (f->expires_s + 59) / 60);
	(void)snprintf(v->offset, sizeof(v->offset), "%d", f->clock.offset_s);
	if (f->firmware)
		(void)snprintf(v->application, sizeof(v->application), "%s-firmware/sip.ld",
			       f->mac);
	else if (!strcmp(f->family, "polycom-7.0"))
		(void)snprintf(v->application, sizeof(v->application), "sip.ld");
	if (!strcmp(f->family, "polycom-7.0"))
		(void)snprintf(v->application_212, sizeof(v->application_212), "%s%ssip_212.ld",
			       f->firmware_212 ? f->mac : "", f->firmware_212 ? "-firmware/" : "");
	(void)snprintf(v->kbps, sizeof(v->kbps), "%u", f->video_kbps);
	(void)snprintf(v->paging_port, sizeof(v->paging_port), "%u", f->paging_port);
	(void)snprintf(v->paging_default, sizeof(v->paging_default), "%u",
		       f->paging_default ? f->paging_default : 1);
	phone_change_fill(v->start, &f->clock.start);
	phone_change_fill(v->stop, &f->clock.stop);
	if (phone_has_secondary(f))
		(void)snprintf(v->secondary_port, sizeof(v->secondary_port), "%u",
			       f->secondary_port);
	(void)snprintf(v->columns, sizeof(v->columns), "%u", f->columns);
	for (size_t i = 0; i < COUNT_OF(dscp); i++)
		(void)snprintf(v->dscp[i], sizeof(v->dscp[i]), "%u", dscp[i]);
	if (f->blf_list && f->blf_list[0])
		good = snprintf(v->list, sizeof(v->list), "%s@%s", f->blf_list, f->server) <
		       PHONE_ADDRESS_MAX;
	if (f->directory_page)
		good &= snprintf(v->directory, sizeof(v->directory), "%s/directory",
				 f->browser_url) < PHONE_ADDRESS_MAX;
	good &= snprintf(v->proxy, sizeof(v->proxy), "%s:%u", f->server, f->port) <
		PHONE_ADDRESS_MAX;
	good &= snprintf(v->outbound, sizeof(v->outbound), "%s;transport=%s", v->proxy,
			 v->transport->parameter) < PHONE_ADDRESS_MAX;
	return good ? 0 : -ENOSPC;
}

static int phone_values_fill(struct phone_values *v, const struct phone_facts *f,
			     const char *revision)
{
	if (f->override_count > PHONE_OVERRIDES_MAX || f->person_count > PHONE_PEOPLE_MAX)
		return -ENOSPC;
	if (phone_texts_fill(v, f))
		return -ENOSPC;
	phone_fields_fill(v, f, revision);
	for (uint32_t i = 0; i < PHONE_LINES_MAX; i++)
		phone_line_fill(v, f, i);
	for (uint32_t i = 0; i < f->override_count; i++) {
		v->overrides[i * OVERRIDE_FIELDS] = bytes_str(f->overrides[i].key);
		v->overrides[i * OVERRIDE_FIELDS + 1] = bytes_str(f->overrides[i].value);
	}
	for (uint32_t i = 0; i < f->person_count; i++) {
		v->people[i * PERSON_FIELDS] = bytes_str(f->people[i].last_name);
		v->people[i * PERSON_FIELDS + 1] = bytes_str(f->people[i].first_name);
		v->people[i * PERSON_FIELDS + 2] = bytes_str(f->people[i].number);
	}
	v->all = (struct template_values){ .fields = v->fields };
	v->all.lists[LIST_LINES] = (struct template_rows){ v->lines, PHONE_LINES_MAX };
	v->all.lists[LIST_OVERRIDES] = (struct template_rows){ v->overrides, f->override_count };
	phone_channels_fill(v, f);
	v->all.lists[LIST_PEOPLE] = (struct template_rows){ v->people, f->person_count };
	return 0;
}

/* ---- files ---- */

static void file_name_write(struct phone_file *file, const char *pattern,
			    const struct phone_facts *f)
{
	struct writer w = writer_over(file->name, sizeof(file->name) - 1);

	for (const char *p = pattern; *p; p++) {
		if (*p == 'N')
			writer_str(&w, f->lines[0].number);
		else if (*p == 'M')
			writer_str(&w, f->mac);
		else
			writer_u8(&w, (uint8_t)*p);
	}
	file->name[w.n] = '\0';
}

/* Computes the revision of all files so far, and of what the first one has beside their names. */
static void revision_write(struct phone_files *out, struct phone_values *v)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct writer text = writer_over(out->revision, PHONE_REVISION_LEN), w = v->marked;

	writer_bytes(&w, v->fields[FIELD_APPLICATION]);
	writer_bytes(&w, v->fields[FIELD_MORE_FILES]);
	writer_bytes(&w, v->fields[FIELD_APPLICATION_212]);
	writer_bytes(&w, v->fields[FIELD_MORE_FILES_212]);
	(void)SHA256(v->marked_space, w.n, hash);
	writer_hex(&text, bytes_mem(hash, PHONE_REVISION_LEN / 2));
	out->revision[PHONE_REVISION_LEN] = '\0';
}

static void passwords_fill(struct phone_values *v, const struct phone_facts *f, bool marked)
{
	for (uint32_t i = PHONE_LINES_MAX; i-- > 0;) {
		const struct phone_line *l = &f->lines[i];
		struct bytes text = bytes_str(marked ? l->mark : l->password);

		v->lines[(size_t)i * LINE_FIELDS + LINE_PASSWORD] = text;
		v->fields[FIELD_PASSWORD] = text; /* of the first one at last */
	}
}

/* The text of the file as the revision has it. */
static bool file_mark(const struct template *t, bool has_password, struct phone_values *v,
		      const struct phone_facts *f, struct bytes text)
{
	bool good = true;

	if (!has_password || !f->lines[0].mark) {
		writer_bytes(&v->marked, text);
	} else {
		passwords_fill(v, f, true);
		good = template_render(t, &v->all, &v->marked);
		passwords_fill(v, f, false);
	}
	return good && !v->marked.overflow;
}

static int file_render(struct phone_files *out, const struct phone_family_file *row,
		       struct phone_values *v, const struct phone_facts *f, struct writer *w)
{
	struct phone_file *file = &out->list[out->count];
	const char *source;
	const struct template *t = template_of(row->family, row->template, &source);
	size_t from = w->n;

	if (row->first && !row->last) {
		revision_write(out, v);
		v->fields[FIELD_REVISION] = bytes_str(out->revision);
	}
	if (!template_render(t, &v->all, w))
		return -EINVAL;
	if (w->overflow || !file_mark(t, strstr(source, "{{password}}") != NULL, v, f,
				      bytes_mem(out->space + from, w->n - from)))
		return -ENOSPC;
	file_name_write(file, row->name, f);
	file->type = row->type;
	file->text = bytes_mem(out->space + from, w->n - from);
	out->count++;
	return 0;
}

/* A copy with as much room as it needs. NULL: no memory. */
static struct phone_files *files_fitted(const struct phone_files *f, size_t n)
{
	struct phone_files *copy = malloc(sizeof(*copy) + n);

	if (!copy)
		return NULL;
	*copy = *f;
	copy->size = n;
	memcpy(copy->space, f->space, n);
	for (uint32_t i = 0; i < f->count; i++)
		copy->list[i].text.p = copy->space + (f->list[i].text.p - f->space);
	return copy;
}

int phone_files_render(struct phone_files **out, const struct phone_facts *facts)
{
	struct phone_values *v = calloc(1, sizeof(*v));
	struct phone_files *files = calloc(1, sizeof(*files) + PHONE_FILES_SIZE_MAX);
	struct writer w = { 0 };
	int err = v && files ? phone_values_fill(v, facts, "") : -ENOMEM;

	if (!err) {
		v->marked = writer_over(v->marked_space, sizeof(v->marked_space));
		files->size = PHONE_FILES_SIZE_MAX;
		w = writer_over(files->space, files->size);
	}
	for (size_t i = 0; i < COUNT_OF(g_family_files) && !err; i++) {
		if (!strcmp(g_family_files[i].family, facts->family))
			err = file_render(files, &g_family_files[i], v, facts, &w);
	}
	if (!err && !files->count)
		err = -ENOENT;
	if (!err && !files->revision[0])
		revision_write(files, v);
	*out = err ? NULL : files_fitted(files, w.n);
	phone_files_free(files);
	if (v)
		explicit_bzero(v->marked_space, v->marked.n);
	free(v);
	return err || *out ? err : -ENOMEM;
}

void phone_files_free(struct phone_files *f)
{
	if (f)
		explicit_bzero(f->space, f->size);
	free(f);
}

const struct phone_file *phone_files_find(const struct phone_files *f, struct bytes name)
{
	for (uint32_t i = 0; i < f->count; i++) {
		if (bytes_is(name, f->list[i].name))
			return &f->list[i];
	}
	return NULL;
}

/* A number has no '_', '.' and '-'. */
static bool phone_name_fits(const char *pattern, struct bytes name)
{
	for (; *pattern; pattern++) {
		size_t n = 1;

		if (*pattern == 'M') {
			n = PHONE_MAC_LEN;
		} else if (*pattern == 'N') {
			n = 0;
			while (n < name.n && !strchr("_.-/", name.p[n]))
				n++;
		} else if (!name.n || name.p[0] != (uint8_t)*pattern) {
			return false;
		}
		if (!n || n > name.n)
			return false;
		name = bytes_from(name, n);
	}
	return !name.n;
}

bool phone_file_is_first(const char *family, struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(g_family_files); i++) {
		const struct phone_family_file *row = &g_family_files[i];

		if (row->first && !strcmp(row->family, family))
			return phone_name_fits(row->name, name);
	}
	return false;
}

bool phone_file_is_last(const char *family, struct bytes name)
{
	for (size_t i = 0; i < COUNT_OF(g_family_files); i++) {
		const struct phone_family_file *row = &g_family_files[i];

		if (row->last && !strcmp(row->family, family))
			return phone_name_fits(row->name, name);
	}
	return false;
}

void phone_map_redial(char *map, size_t size)
{
	static const char long_distance[] = ",1xxxxxxxxxx";
	const char *at = strstr(map, long_distance);
	const char *access = at;
	size_t n = strlen(map);

	while (access > map && access[-1] != '|')
		access--;
	if (!at || (at[sizeof(long_distance) - 1] && at[sizeof(long_distance) - 1] != '|'))
		return;
	if ((size_t)snprintf(map + n, size - n, "|RR%.*s1R[2-9]xxxxxxxxxT|xxx.T",
			     (int)(at - access), access) >= size - n)
		map[n] = '\0';
}
