/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses a kind of document, the rest is its text. Oracle: it is refused with a reason and changes nothing, or what was
 * read keeps the rules of its kind, and written and read again it is the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/schema/extension.h"
#include "app/schema/flow_field.h"
#include "app/schema/hours_field.h"
#include "app/schema/profile.h"
#include "app/schema/prompt_field.h"
#include "app/schema/room_field.h"
#include "app/schema/tenant_field.h"
#include "app/schema/trunk_field.h"
#include "sig/dial/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct seal_key g_key = { .id = 1 };
static struct rand_source g_rand = { .state = { 1, 2, 3, 4 }, .seeded = 1 };

static struct bytes text_of(json_t *json, char **text)
{
	*text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	assert(*text);
	return bytes_str(*text);
}

/* With a space in front it is read by jansson. */
static struct bytes spaced(struct bytes in, char **space)
{
	*space = malloc(in.n + 1);
	assert(*space);
	(*space)[0] = ' ';
	if (in.n)
		memcpy(*space + 1, in.p, in.n);
	return bytes_mem(*space, in.n + 1);
}

static void form_by_both(const struct form *f, struct bytes in)
{
	void *a = calloc(1, f->size), *b = calloc(1, f->size);
	const char *why_a = NULL, *why_b = NULL;
	char *space, *text_a = NULL, *text_b = NULL;

	assert(a && b);
	if (form_read(f, a, in, &why_a)) {
		assert(form_read(f, b, spaced(in, &space), &why_b));
		assert(!strcmp(why_a, why_b));
	} else {
		assert(!form_read(f, b, spaced(in, &space), &why_b));
		assert(bytes_eq(text_of(form_document(f, a), &text_a),
				text_of(form_document(f, b), &text_b)));
	}
	free(space);
	free(text_a);
	free(text_b);
	free(a);
	free(b);
}

static void forms_by_both(struct bytes in)
{
	static const struct form *const forms[] = {
		&g_profile_form, &g_range_form,    &g_dial_form,  &g_tenant_form, &g_did_form,
		&g_route_form,   &g_location_form, &g_hours_form, &g_prompt_form
	};

	for (size_t i = 0; i < COUNT_OF(forms); i++)
		form_by_both(forms[i], in);
}

static void extension_by_both(struct bytes in)
{
	static struct extension a, b;
	const char *why_a = NULL, *why_b = NULL;
	char *space, *text_a = NULL, *text_b = NULL;
	int err = extension_from_document(&a, in, &g_key, &why_a);

	assert(err == extension_from_document(&b, spaced(in, &space), &g_key, &why_b));
	if (err) {
		assert(!strcmp(why_a, why_b));
	} else {
		assert(bytes_eq(text_of(extension_to_view(&a, "r"), &text_a),
				text_of(extension_to_view(&b, "r"), &text_b)));
		assert(!strcmp(a.realm, b.realm) && a.located.count == b.located.count);
		assert(!memcmp(&a.core.secret, &b.core.secret, sizeof(a.core.secret)));
	}
	free(space);
	free(text_a);
	free(text_b);
}

static void profile(struct bytes in)
{
	struct profile p = { .changed_utc_ms = 1 }, again;
	const struct offer_terms *terms = &p.core.terms;
	const char *reason = NULL;
	char *text;

	if (form_read(&g_profile_form, &p, in, &reason)) {
		assert(reason && p.changed_utc_ms == 1 && !p.core.name[0]);
		return;
	}
	assert(p.core.name[0] &&
	       (terms->codec_count != 1 || strcmp(terms->codecs[0], "G722") != 0));
	assert(terms->ptime_g729 % 10 == 0);
	assert(terms->codec_count <= OFFER_CODECS_MAX && terms->video_kbps >= 64);
	assert(terms->ptime_g711 >= 10 && terms->ptime_g711 <= 60);
	assert(!(p.core.transports & (p.core.transports - 1)));
	assert(!form_read(&g_profile_form, &again,
			  text_of(form_document(&g_profile_form, &p), &text), &reason));
	assert(!memcmp(&p, &again, sizeof(p)));
	free(text);
}

static void range(struct bytes in)
{
	struct profile_range r = { .changed_utc_ms = 1 }, again;
	const char *reason = NULL;
	char *text;

	if (form_read(&g_range_form, &r, in, &reason)) {
		assert(reason && r.changed_utc_ms == 1);
		return;
	}
	assert(range_addr_order(&r.core.first, &r.core.last) <= 0);
	assert(!r.core.first.port && !r.core.last.port && r.core.first.family);
	assert(!form_read(&g_range_form, &again, text_of(form_document(&g_range_form, &r), &text),
			  &reason));
	assert(!memcmp(&r, &again, sizeof(r)));
	free(text);
}

static void dialplan(struct bytes in)
{
	static struct dial_document d, again;
	const char *reason = NULL;
	char *text, *said;

	d = (struct dial_document){ .changed_utc_ms = 1 };
	if (form_read(&g_dial_form, &d, in, &reason)) {
		assert(reason && d.changed_utc_ms == 1);
		return;
	}
	for (unsigned i = 0; i < DIAL_OTHER; i++)
		assert(!pattern_list_wrong(bytes_str(d.plan.classes[i])));
	assert(!dial_rules_wrong(bytes_str(d.plan.rules)) && !dial_codes_wrong(&d.plan));
	assert(!strpbrk(d.plan.emergency, " :@<>\"x"));
	assert(!form_read(&g_dial_form, &again, text_of(form_document(&g_dial_form, &d), &text),
			  &reason));
	/* as text: between the members of a value is anything */
	assert(bytes_is(text_of(form_document(&g_dial_form, &again), &said), text));
	free(text);
	free(said);
}

static void tenant(struct bytes in)
{
	struct tenant_value t = { .changed_utc_ms = 1 }, again;
	struct tenant_settings set;
	const char *reason = NULL;
	char *text;

	if (form_read(&g_tenant_form, &t, in, &reason)) {
		assert(reason && t.changed_utc_ms == 1 && !t.name[0]);
		return;
	}
	tenant_to_settings(&t, &set);
	assert(t.name[0] && set.domain_count <= TENANT_DOMAINS_MAX);
	for (uint32_t i = 0; i < set.domain_count; i++)
		assert(set.domains[i][0] && !strpbrk(set.domains[i], " :@,"));
	assert(!form_read(&g_tenant_form, &again, text_of(form_document(&g_tenant_form, &t), &text),
			  &reason));
	assert(!strcmp(t.domains, again.domains) && t.enabled == again.enabled);
	free(text);
}

static void trunk(struct bytes in)
{
	struct trunk_value t = { .changed_utc_ms = 1 }, again;
	struct trunk_settings set;
	const char *reason = NULL;
	char *text;

	if (trunk_from_document(&t, in, &g_key, &reason)) {
		assert(reason && t.changed_utc_ms == 1 && !t.name[0]);
		return;
	}
	trunk_to_settings(&t, 1, &set);
	assert(set.server_count <= TRUNK_SERVERS_MAX && set.source_count <= TRUNK_SOURCES_MAX);
	for (uint8_t i = 0; i < set.server_count; i++)
		assert(set.servers[i].host[0] && !strpbrk(set.servers[i].host, " \"<>;@,\r\n"));
	for (uint8_t i = 0; i < set.source_count; i++)
		assert(set.sources[i].bits && set.sources[i].net.family != ADDR_NONE);
	assert(!t.listener[0] || set.listener.port);
	assert(!trunk_from_document(&again, text_of(trunk_to_document(&t, &g_key, &g_rand), &text),
				    &g_key, &reason));
	assert(!memcmp(&t, &again, sizeof(t)));
	free(text);
}

static void did(struct bytes in)
{
	struct did_value d = { .changed_utc_ms = 1 }, again;
	const char *reason = NULL;
	char *text;

	if (form_read(&g_did_form, &d, in, &reason)) {
		assert(reason && d.changed_utc_ms == 1);
		return;
	}
	assert(!pattern_list_wrong(bytes_str(d.core.number)));
	assert(!d.core.to[0] || !(d.core.change.strip || d.core.change.prefix[0]));
	assert(!form_read(&g_did_form, &again, text_of(form_document(&g_did_form, &d), &text),
			  &reason));
	assert(!memcmp(&d, &again, sizeof(d)));
	free(text);
}

static void route(struct bytes in)
{
	struct route_value r = { .changed_utc_ms = 1 }, again;
	struct trunk_route core;
	const char *reason = NULL;
	char *text;

	if (form_read(&g_route_form, &r, in, &reason)) {
		assert(reason && r.changed_utc_ms == 1);
		return;
	}
	route_to_core(&r, 1, &core);
	assert(core.choice_count && core.choice_count <= TRUNK_ROUTE_TRUNKS_MAX);
	for (uint8_t i = 0; i < core.choice_count; i++) {
		const struct trunk_choice *c = &core.choices[i];

		assert(c->trunk[0] && !strpbrk(c->trunk, ":, ") && c->priority <= 1000 &&
		       c->weight <= 1000);
	}
	assert(!pattern_list_wrong(bytes_str(core.pattern)));
	assert(!form_read(&g_route_form, &again, text_of(form_document(&g_route_form, &r), &text),
			  &reason));
	assert(!memcmp(&r, &again, sizeof(r)));
	free(text);
}

static void location(struct bytes in)
{
	struct location_value l = { .changed_utc_ms = 1 }, again;
	const char *reason = NULL;
	struct site site;
	char *text;

	if (form_read(&g_location_form, &l, in, &reason)) {
		assert(reason && l.changed_utc_ms == 1);
		return;
	}
	location_to_core(&l, 1, &site);
	assert(site.id && site.civic.field[CIVIC_COUNTRY][0]);
	assert(!form_read(&g_location_form, &again,
			  text_of(form_document(&g_location_form, &l), &text), &reason));
	assert(!memcmp(&l, &again, sizeof(l)));
	free(text);
}

static void hours(struct bytes in)
{
	static struct hours_value v, again;
	static struct hours core;
	const char *reason = NULL;
	char *text;

	v = again = (struct hours_value){ .changed_utc_ms = 1 };
	if (form_read(&g_hours_form, &v, in, &reason)) {
		assert(reason && v.changed_utc_ms == 1);
		return;
	}
	hours_to_core(&v, &core);
	assert(core.count <= HOURS_HOLIDAYS_MAX && !!core.until_local_s <= !!v.until[0]);
	assert(!form_read(&g_hours_form, &again, text_of(form_document(&g_hours_form, &v), &text),
			  &reason));
	assert(!memcmp(&v, &again, sizeof(v)));
	free(text);
}

static void flow(struct bytes in)
{
	static struct program_value v, again;
	static struct flow_findings findings;
	struct flow_program *p;
	const char *reason = NULL;
	char *text;

	v = again = (struct program_value){ .changed_utc_ms = 1 };
	if (flow_document_read(&v, in, &reason)) {
		assert(reason && v.changed_utc_ms == 1 && !v.text[0]);
		return;
	}
	p = program_parse(bytes_str(v.text), NULL, &findings);
	assert(p && !findings.errors);
	program_free(p);
	assert(!flow_document_read(&again, text_of(flow_document(&v), &text), &reason));
	assert(!memcmp(&v, &again, sizeof(v)));
	free(text);
}

static void room(struct bytes in)
{
	struct room_value r = { .changed_utc_ms = 1 }, again;
	const char *reason = NULL, *member;
	char *text;

	if (room_from_document(&r, in, &g_key, &reason)) {
		assert(reason && r.changed_utc_ms == 1 && !r.core.number[0]);
		return;
	}
	assert(r.core.number[0] && r.core.talkers <= ROOM_TALKERS_MAX);
	assert(r.core.max_members >= ROOM_MEMBERS_MIN && r.core.max_members <= ROOM_MEMBERS_MAX);
	assert(r.core.rate == 8000 || r.core.rate == 16000 || r.core.rate == 48000);
	assert(!r.core.tenant && (r.unread || !room_wrong(&r, &member)));
	if (r.unread)
		return;
	assert(!room_from_document(&again, text_of(room_to_document(&r, &g_key, &g_rand), &text),
				   &g_key, &reason));
	assert(!memcmp(&r, &again, sizeof(r)));
	free(text);
}

static void extension(struct bytes in)
{
	struct extension e = { .changed_utc_ms = 1 }, again;
	const char *reason = NULL;
	char *text;

	if (extension_from_document(&e, in, &g_key, &reason)) {
		assert(reason && e.changed_utc_ms == 1 && !e.core.number[0]);
		return;
	}
	assert(e.core.number[0] && e.srtp == e.core.tls_srtp);
	assert(e.forward.rings <= FORWARD_RINGS_MAX);
	for (const struct command_arg *arg = g_extension_fields; arg->name; arg++)
		assert(arg->charset != CHARSET_NUMBERS ||
		       !strpbrk((const char *)&e + arg->field.at, " \"<>;:@\r\n"));
	assert(!extension_from_document(&again,
					text_of(extension_to_document(&e, &g_key, &g_rand), &text),
					&g_key, &reason));
	assert(!e.realm[0] || !memcmp(&e, &again, sizeof(e)));
	free(text);
	(void)text_of(extension_to_view(&e, "r"), &text);
	assert(!strstr(text, "\"ha1\""));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct bytes in) = { profile,  range, extension, tenant,
							  trunk,    did,   route,     dialplan,
							  location, room,  hours,     flow };

	struct bytes in = bytes_mem(data + 1, size ? size - 1 : 0);

	if (!size)
		return 0;
	kinds[(uint8_t)(data[0] - '0') % COUNT_OF(kinds)](in);
	forms_by_both(in);
	extension_by_both(in);
	return 0;
}
