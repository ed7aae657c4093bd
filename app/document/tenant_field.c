/* SPDX-License-Identifier: Apache-2.0 */
#include "app/document/tenant_field.h"

#include <string.h>

#include "app/document/document.h"
#include "app/sound/sound_file.h"
#include "sig/dial/dial.h"

/* In the order of enum record_tone. */
const char *const g_record_tone[] = { "default", "on", "off", NULL };

enum { CLASSES_ALL = (1 << DIAL_CLASS_COUNT) - 1 };

static bool domain_fits(struct bytes domain)
{
	return domain.n > 0 && domain.n < TENANT_DOMAIN_MAX && domain.p[0] != '.' &&
	       command_allows(CHARSET_NAME, domain);
}

static const char *field_domains_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	uint32_t count = 0;

	(void)value;
	if (list.n && list.p[list.n - 1] == ',')
		return "there is no domain behind a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!domain_fits(one))
			return "a domain has 1 to 63 letters, digits, '.', '_' or '-'";
		if (++count > TENANT_DOMAINS_MAX)
			return "there are at most 16 domains";
	}
	return NULL;
}

/* -1: it is no time of a day. */
static int day_second(const char *text)
{
	struct bytes minute = bytes_str(text), hour;
	uint64_t h, m;

	if (!text[0])
		return 0;
	if (strlen(text) != sizeof("23:59") - 1 || !bytes_cut(&minute, ':', &hour) || hour.n != 2 ||
	    bytes_u64(hour, &h) || bytes_u64(minute, &m) || h > 23 || m > 59)
		return -1;
	return (int)(h * 3600 + m * 60);
}

static const char *field_day_wrong(const void *value, const char *text)
{
	(void)value;
	return day_second(text) < 0 ? "a day begins at a time such as 23:00" : NULL;
}

static const char *field_park_wrong(const void *value, const char *text)
{
	(void)value;
	return park_groups_wrong(bytes_str(text));
}

static const char *field_store_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	uint32_t count = 0;

	(void)value;
	if (list.n && list.p[list.n - 1] == ',')
		return "there is no name behind a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n >= TENANT_STORE_NAME_MAX || one.p[0] == '.' ||
		    !command_allows(CHARSET_NAME, one))
			return "a destination has 1 to 31 letters, digits, '.', '_' or '-'";
		if (++count > TENANT_STORES_MAX)
			return "there are at most 8 destinations";
	}
	return NULL;
}

static const char *tenant_language_wrong(const void *value, const char *text)
{
	(void)value;
	return sound_language_is_good(bytes_str(text)) ? NULL : SOUND_LANGUAGE_WRONG;
}

#undef FIELD_OF
#define FIELD_OF struct tenant_value

const struct command_arg g_tenant_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the tenant, as in keys and streams."),
	TEXT_FIELD(
		"domains", domains, CHARSET_NUMBERS, field_domains_wrong,
		"Its SIP domains, joined by ','. The first one is the realm of its passwords; that "
		"of the tenant default is sip.realm."),
	FLAG_FIELD("enabled", enabled, "true",
		   "false: nobody reaches it by its domains, and its streams of commands are not "
		   "read."),
	WORDS_FIELD("commands", commands, g_command_roles, 3, "none; of the tenant default: admin",
		    "Roles whose streams of commands are read. None: operators alone speak for "
		    "it."),
	WORDS_FIELD("classes", classes, g_dial_classes, DIAL_CLASS_COUNT, "all",
		    "Classes of numbers outside that its extensions may call at most: what is not "
		    "here, none of them may, whatever its own document says."),
	WORDS_FIELD("extension_classes", extension_classes, g_dial_classes, DIAL_CLASS_COUNT,
		    "toll_free, local, national, mobile",
		    "Classes that a new extension has, where the command that makes it names none. "
		    "Those that are there stay as they are. None: a new extension calls nobody "
		    "outside."),
	NUMBER_FIELD("outside_calls", outside.calls, 0, 1000000, "0",
		     "Calls to numbers outside that its extensions have at a time at most, all "
		     "together. 0: any number."),
	NUMBER_FIELD("outside_minutes", outside.minutes, 0, 100000000, "0",
		     "Minutes that they talk in a day at most. 0: any number."),
	TEXT_FIELD(
		"outside_day_begins", outside_day, CHARSET_PLACES, field_day_wrong,
		"When such a day begins, as HH:MM of UTC: 23:00 for midnight in Berlin in winter. "
		"Empty: 00:00."),
	TEXT_FIELD("park_groups", park_groups, CHARSET_RANGES, field_park_wrong,
		   "Its slots to park calls in, joined by ',': NAME=FIRST-LAST each, such as "
		   "sales=10-19. An extension uses those of the groups it is in (park_groups of "
		   "extension.put). Empty: all slots are there, for everybody."),
	FLAG_FIELD("park_confirm", park_confirm, "false",
		   "true: a phone that parks somebody hears the slot by MESSAGE."),
	FLAG_FIELD("park_spoken", park_spoken, "false",
		   "true: whoever parks somebody, and does not hold it, hears the slot said (the "
		   "prompt parked, and its digits) before tandem hangs up on it."),
	TEXT_FIELD("language", language, CHARSET_NAME, tenant_language_wrong,
		   "Language of the prompts that its phones hear, such as de: that of an extension "
		   "comes before it. Empty: the node's."),
	NUMBER_FIELD(
		"max_calls", max.calls, 0, 1000000, "0",
		"Calls that it has on all nodes at most. Emergency calls are never refused. 0: "
		"any number, as with the next three."),
	NUMBER_FIELD("max_registrations", max.registrations, 0, 1000000, "0",
		     "Extensions with a registered phone that it has on one node at most."),
	NUMBER_FIELD("max_extensions", max.extensions, 0, 1000000, "0",
		     "Extensions that it has at most. Those that are there stay."),
	NUMBER_FIELD("max_subscriptions", max.subscriptions, 0, 1000000, "0",
		     "Subscriptions that its phones have on one node at most."),
	NUMBER_FIELD(
		"max_calls_per_second", max.calls_per_s, 0, 100000, "0",
		"New calls of one node in a second; four times as many at once. Emergency calls "
		"are never refused. 0: any number, as with the next one."),
	NUMBER_FIELD("max_registrations_per_second", max.registers_per_s, 0, 100000, "0",
		     "REGISTER requests with a right password in a second; four times as many at "
		     "once."),
	NUMBER_FIELD(
		"max_trunks", max.trunks, 0, 1000000, "0",
		"Trunks that it has at most. Those that are there stay. 0: any number, as with "
		"the next three. A node has room for 4,096 of all tenants."),
	NUMBER_FIELD("max_dids", max.dids, 0, 1000000, "0",
		     "Documents of numbers that trunks call. A node has room for 65,536, of which "
		     "4,096 are patterns, 1,024 of one tenant."),
	NUMBER_FIELD("max_routes", max.routes, 0, 1000000, "0",
		     "Routes. A node has room for 1,024."),
	NUMBER_FIELD("max_locations", max.locations, 0, 1000000, "0",
		     "Locations of phones. A node has room for 4,096."),
	NUMBER_FIELD("max_rooms", max.rooms, 0, 1000000, "0",
		     "Rooms for conferences. A node has room for 4,096."),
	NUMBER_FIELD("max_conferences", max.conferences, 0, 1000000, "0",
		     "Conferences that it holds on one node, of all kinds, when a factory makes no "
		     "further one: who calls it hears 503. 0: any number."),
	TEXT_FIELD("recording_store", recordings.store, CHARSET_NUMBERS, field_store_wrong,
		   "Names of the destinations that its recordings go to, joined by ',', as "
		   "recordings.store of the node's file has them; none: they stay on the node. "
		   "Empty: those of recordings.deliver."),
	NUMBER_FIELD("recording_days", recordings.days, 0, 36500, "0",
		     "Days that its recordings are kept on the node. 0: recordings.keep_days."),
	WORD_FIELD("record_tone", record_tone, FIELD_NUMBER, g_record_tone, "default",
		   "Whether a tone tells both parties that a call is recorded: on, off, or "
		   "default, as recordings.tone says. On: as often as that says; where it is 0s, "
		   "every 15 s. What an extension says comes before it."),
	NUMBER_FIELD("recording_mib", recordings.mib, 0, 1073741824, "0",
		     "MiB of its recordings that are kept on a node at most: the oldest of those "
		     "that are delivered, or go nowhere, are deleted. 0: any number."),
	{ .name = NULL },
};

static void tenant_begin(void *value, struct bytes name)
{
	struct tenant_value *t = value;

	t->enabled = true;
	t->classes = CLASSES_ALL;
	t->extension_classes = DIAL_CLASSES_FIRST;
	(void)bytes_cstr(name, t->name, sizeof(t->name));
	if (bytes_is(name, TENANT_DEFAULT_NAME))
		t->commands = 1u << COMMAND_FOR_ADMIN;
}

const struct form g_tenant_form = { .fields = g_tenant_fields,
				    FORM_OF(struct tenant_value),
				    .begin = tenant_begin };

uint32_t tenant_roles(const struct tenant_value *t)
{
	return t->enabled ? t->commands : 0;
}

void tenant_to_settings(const struct tenant_value *t, struct tenant_settings *out)
{
	struct bytes list = bytes_str(t->domains), one;

	*out = (struct tenant_settings){ .barred = (uint8_t)(CLASSES_ALL & ~t->classes),
					 .disabled = !t->enabled,
					 .toll = t->outside };
	if (day_second(t->outside_day) > 0)
		out->toll_begins_s = (uint32_t)day_second(t->outside_day);
	out->most[TENANT_CALLS] = t->max.calls;
	out->most[TENANT_REGISTRATIONS] = t->max.registrations;
	out->most[TENANT_EXTENSIONS] = t->max.extensions;
	out->most[TENANT_SUBSCRIPTIONS] = t->max.subscriptions;
	out->most[TENANT_TRUNKS] = t->max.trunks;
	out->most[TENANT_NUMBERS] = t->max.dids;
	out->most[TENANT_ROUTES] = t->max.routes;
	out->most[TENANT_SITES] = t->max.locations;
	out->most[TENANT_ROOMS] = t->max.rooms;
	out->most[TENANT_CONFERENCES] = t->max.conferences;
	out->per_second[TENANT_CALL_RATE] = t->max.calls_per_s;
	out->per_second[TENANT_REGISTER_RATE] = t->max.registers_per_s;
	out->park_confirm = t->park_confirm;
	out->park_spoken = t->park_spoken;
	out->record_tone = t->record_tone;
	(void)bytes_cstr(bytes_str(t->language), out->language, sizeof(out->language));
	memcpy(out->park_groups, t->park_groups, sizeof(out->park_groups));
	memcpy(out->name, t->name, sizeof(out->name));
	while (bytes_cut(&list, ',', &one) && out->domain_count < TENANT_DOMAINS_MAX) {
		if (!out->domain_count)
			(void)bytes_cstr(one, out->realm, sizeof(out->realm));
		(void)bytes_cstr(one, out->domains[out->domain_count++], TENANT_DOMAIN_MAX);
	}
}
