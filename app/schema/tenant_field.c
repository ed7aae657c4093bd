/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of tenants, dial plans and locations: fields, defaults, checks, and the core's structs.
 * command_tenant.c and command_trunk.c put them. A tenant's document holds its quotas, features and
 * web access, so an error here would cut off all its calls: what is valid alone but not together is
 * refused at put, and a document from Redis is read with the same checks.
 */

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "app/schema/field.h"
#include "app/schema/tenant_field.h"
#include "app/sound/sound_file.h"
#include "base/addr.h"
#include "sig/dial/dial.h"
#include "sig/dial/pattern.h"
#include "sig/identity/pidf.h"
#include "sig/identity/presence.h"
#include "sig/sip/lex.h"
#include "sig/sip/uri.h"

/* As enum tenant_history_shared. */
static const char *const g_history_shared[] = { "none", "groups", "all", NULL };
/* As enum tenant_sync. */
const char *const g_tenant_syncs[] = { "administrators", "users", "none", NULL };
/* As enum contact_names. */
static const char *const g_contact_names[] = { "missing", "always", "off", NULL };
static const char *const g_dialling[] = { "enblock", "overlap", NULL };

static bool digits_only(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	}
	return true;
}

static const char *field_emergency_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	uint32_t count = 0;

	(void)value;
	if (list.n && list.p[list.n - 1] == ',')
		return "there is no number after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n > DIAL_HELP_LEN_MAX || !digits_only(one))
			return "each number has 1 to 8 digits";
		if (++count > DIAL_HELP_MAX)
			return "there are at most 16 numbers";
	}
	return NULL;
}

static const char *field_digits_wrong(const void *value, const char *text)
{
	(void)value;
	return digits_only(bytes_str(text)) ? NULL : "it has digits alone";
}

/* counted: 1 << enum seat. Returns NULL, or what is wrong. */
static const char *seats_read(struct bytes list, uint32_t most[SEAT_COUNT], uint32_t *counted)
{
	struct bytes one;

	if (list.n && list.p[list.n - 1] == ',')
		return "there is no seat after a ','";
	while (bytes_cut(&list, ',', &one)) {
		struct bytes word;
		uint64_t number;
		unsigned i = 0;

		if (!bytes_cut(&one, '=', &word) || !digits_only(one) || bytes_u64(one, &number) ||
		    number > 1000000)
			return "each is KIND=COUNT, with a count of 0 to 1000000";
		while (i < SEAT_COUNT && !bytes_is(word, g_seats[i]))
			i++;
		if (i == SEAT_COUNT)
			return "a kind is web, session, iptalk, phone, advanced or crm";
		if (*counted & 1u << i)
			return "each kind stands there once";
		*counted |= 1u << i;
		most[i] = (uint32_t)number;
	}
	/* A user who logs in takes either: neither is required where the other has a number. */
	if (*counted & (1u << SEAT_WEB | 1u << SEAT_SESSION))
		*counted |= 1u << SEAT_WEB | 1u << SEAT_SESSION;
	return NULL;
}

static const char *field_seats_wrong(const void *value, const char *text)
{
	uint32_t most[SEAT_COUNT], counted = 0;

	(void)value;
	return seats_read(bytes_str(text), most, &counted);
}

/* As a group of slots: FIRST-LAST, of as many digits. */
static struct bytes range_group(const char *numbers, char out[TENANT_RANGE_MAX + 8])
{
	struct writer w = writer_over(out, TENANT_RANGE_MAX + 8);

	WRITER_TEXTS(&w, "rooms=", numbers);
	return writer_done(&w);
}

bool tenant_user_room(const char *numbers, struct bytes number)
{
	char space[TENANT_RANGE_MAX + 8];
	struct park_group unused;

	return numbers[0] && park_group_of(range_group(numbers, space), number, &unused);
}

static const char *field_range_wrong(const void *value, const char *text)
{
	char space[TENANT_RANGE_MAX + 8];

	(void)value;
	return !text[0] || (!strchr(text, ',') && !park_groups_wrong(range_group(text, space)))
		       ? NULL
		       : "it is FIRST-LAST, two numbers of 2 to 8 digits, as 7000-7099";
}

static const char *field_patterns_wrong(const void *value, const char *text)
{
	(void)value;
	return pattern_list_wrong(bytes_str(text));
}

static const char *field_rules_wrong(const void *value, const char *text)
{
	(void)value;
	return dial_rules_wrong(bytes_str(text));
}

static const char *field_code_wrong(const void *value, const char *text)
{
	(void)value;
	if (!text[0] || !strcmp(text, DIAL_OFF) ||
	    (strchr("*#", text[0]) && text[1] && command_allows(CHARSET_DIGITS, bytes_str(text))))
		return NULL;
	return "it is off, or begins with '*' or '#' as \"*72\"";
}

static const char *field_call_code_wrong(const void *value, const char *text)
{
	(void)value;
	return !text[0] || !strcmp(text, DIAL_OFF) || call_code_is_valid(text)
		       ? NULL
		       : "it is off, or begins with '*' or '#' and has 2 to 8 digits, as \"*1\"";
}

#undef FIELD_OF
#define FIELD_OF struct dial_document
#define PATTERN_FIELD(what, member, text) \
	PATTERNS_FIELD(what, plan.member, CHARSET_TEXT, field_patterns_wrong, text)
#define DIGITS_FIELD(what, member, text) \
	TEXT_FIELD(what, plan.member, CHARSET_DIGITS, field_digits_wrong, text)

const struct command_arg g_dial_fields[] = {
	TEXT_FIELD("emergency", plan.emergency, CHARSET_NUMBERS, field_emergency_wrong,
		   "Emergency numbers, joined by ','. Calls to them are never refused, with the "
		   "access code in front or without. Empty: those of sip.emergency_numbers."),
	DIGITS_FIELD("access", access,
		     "Access code, dialled before a number outside. Dialled alone it is answered "
		     "484, and the phone plays its second dial tone. Empty: none."),
	PATTERN_FIELD("redial", redial,
		      "Numbers that go outside without the access code, too, as call logs of "
		      "phones have them."),
	TEXT_FIELD("redial_prefix", plan.redial_prefix, CHARSET_DIGITS, NULL,
		   "What they get in front: the access code, and what else is dialled after it."),
	TEXT_FIELD("rules", plan.rules, CHARSET_TEXT, field_rules_wrong,
		   "Changes of what is dialled: PREFIX>REPLACEMENT, or PREFIX>REPLACEMENT/LENGTH "
		   "for numbers of at least so many digits, joined by ','. The first one counts "
		   "that fits."),
	REFERS_FIELD("operator", plan.operator_number, CHARSET_NUMBER, NULL, "number",
		     "What 0 calls: an extension, or a number that leads to a flow or a group."),
	WORD_FIELD("dialling", plan.overlap, FIELD_NUMBER, g_dialling, "enblock",
		   "How phones send what is dialled. overlap: also the first digits alone; they "
		   "hear 484 until one of numbers is complete (RFC 3578)."),
	PATTERN_FIELD("numbers", numbers, "All numbers that are dialled, for dialling=overlap."),
	PATTERN_FIELD(
		"extensions", extensions,
		"The number plan of its extensions, by first digits and length: [2-4]xx|5xxx. "
		"extension.put makes no others; those that are there stay, with a warning. Phones "
		"send such a number at once, where numbers outside have an access code."),
	DIGITS_FIELD("country", country,
		     "Country code. With it numbers outside go out as the whole world dials them, "
		     "+ in front. Empty: as they are dialled."),
	DIGITS_FIELD("area", area, "Area code of numbers that are dialled without one."),
	NUMBER_FIELD("area_digits", plan.area_digits, 0, DIAL_NUMBER_MAX - 1, "0",
		     "How many digits those numbers have. 0: as many as they like."),
	DIGITS_FIELD("national_prefix", national_prefix,
		     "What is dialled before an area code, as 0 or 1."),
	DIGITS_FIELD("international_prefix", international_prefix,
		     "What is dialled before a country code, as 00 or 011."),
#define X(id, word, text)                                                                          \
	{ .name = (word),                                                                          \
	  .type = ARG_STRING,                                                                      \
	  .charset = CHARSET_TEXT,                                                                 \
	  .max = DIAL_PATTERNS_MAX - 1,                                                            \
	  .preset = DIAL_##id == DIAL_INTERNATIONAL                                                \
			    ? FIELD_PRESET("+x.|00x.|011x.")                                       \
			    : (DIAL_##id == DIAL_PREMIUM ? FIELD_PRESET("+1900x.|1900x.|0900x.")   \
							 : FIELD_PRESET("empty")),                 \
	  .help = "Patterns of " text ".",                                                         \
	  .field = { FIELD_AT(FIELD_TEXT, plan.classes[DIAL_##id]), .wrong = field_patterns_wrong, \
		     .patterns = true } },
	DIAL_CLASSES(X)
#undef X
		PATTERN_FIELD("blocked", blocked, "Numbers that nobody of the tenant may call."),
#define X(id, key, digits, argument, made, text)                                                 \
	TEXT_FIELD("code_" key, plan.codes.code[FEATURE_##id], CHARSET_NUMBER, field_code_wrong, \
		   "Feature code in place of codes." key "; off: none.")                         \
	,
	FEATURE_CODES(X)
#undef X
#define X(id, key, text)                                                                   \
	TEXT_FIELD("call_code_" key, plan.call_codes.code[CALL_CODE_##id], CHARSET_NUMBER, \
		   field_call_code_wrong,                                                  \
		   "In-call feature code in place of call_codes." key "; off: none.")      \
	,
		CALL_CODES(X)
#undef X
			{ .name = NULL },
};

const char *dial_codes_wrong(const struct dial_plan *plan)
{
	for (unsigned i = 0; i < FEATURES; i++) {
		for (unsigned j = 0; j < FEATURES; j++) {
			if (i != j &&
			    feature_code_hides(&plan->codes, (enum feature_action)i,
					       bytes_str(plan->codes.code[j])) &&
			    plan->codes.code[j][0] && strcmp(plan->codes.code[i], DIAL_OFF) != 0)
				return "two feature codes begin alike: a phone could not dial both";
		}
	}
	return NULL;
}

static const char *call_codes_wrong(const struct dial_plan *plan)
{
	struct call_codes codes;

	dial_plan_call_codes(plan, &(struct call_codes){ 0 }, &codes);
	for (unsigned i = 0; i < CALL_CODE_COUNT; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (call_codes_clash(&codes, (enum call_code)i, (enum call_code)j))
				return "two in-call codes begin alike: nobody could press both";
		}
	}
	return NULL;
}

static void dial_start(void *value, struct bytes name)
{
	struct dial_document *d = value;

	(void)name;
	d->plan = g_dial_plan_default;
}

/* What begins as a number outside would be called there. */
static const char *dial_extensions_wrong(const struct dial_plan *plan)
{
	struct bytes list = bytes_str(plan->extensions), one;
	char outside[DIAL_PREFIX_MAX + 4];
	struct writer w = writer_over(outside, sizeof(outside));
	struct pattern access, p;
	const char *wrong;

	WRITER_TEXTS(&w, plan->access, "x.");
	while (plan->access[0] && !pattern_read(&access, writer_done(&w), &wrong) &&
	       bytes_cut(&list, '|', &one)) {
		if (!pattern_read(&p, one, &wrong) && pattern_meets(&access, &p))
			return "one of them begins with the access code";
	}
	return NULL;
}

static const char *dial_wrong(const void *value, const char **member)
{
	const struct dial_document *d = value;

	const char *wrong = dial_extensions_wrong(&d->plan);

	*member = "extensions";
	if (wrong)
		return wrong;
	wrong = dial_codes_wrong(&d->plan);
	*member = wrong ? "code" : "call_code";
	return wrong ? wrong : call_codes_wrong(&d->plan);
}

const struct form g_dial_form = { .fields = g_dial_fields,
				  FORM_OF(struct dial_document),
				  .begin = dial_start,
				  .wrong = dial_wrong };

static const char *field_id_wrong(const void *value, const char *text)
{
	uint16_t unused;

	(void)value;
	return location_read(bytes_str(text), &unused) ? "it is a number, 1 to 65535" : NULL;
}

static const char *field_country_wrong(const void *value, const char *text)
{
	(void)value;
	return !text[0] || (strlen(text) == 2 && lex_is_token(bytes_str(text)))
		       ? NULL
		       : "a country has two letters";
}

#undef FIELD_OF
#define FIELD_OF struct location_value

const struct command_arg g_location_fields[] = {
	{ .name = "id",
	  .type = ARG_STRING,
	  .charset = CHARSET_DIGITS,
	  .required = true,
	  .min = 1,
	  .max = 5,
	  .help = "Id of the location, 1 to 65535: what phones have behind " LOCATED_MARK ".",
	  .field = { FIELD_AT(FIELD_TEXT, id), .wrong = field_id_wrong } },
	TEXT_FIELD("label", label, CHARSET_TEXT, NULL,
		   "What people call it. It is sent to nobody."),
	TEXT_FIELD("caller_id", core.caller_id, CHARSET_NUMBER, NULL,
		   "Number that trunks are shown for emergency calls from there: one that the "
		   "emergency service knows, and can call back. Empty: that of the extension."),
#define X(id, element, name, text)                                   \
	TEXT_FIELD(name, core.civic.field[CIVIC_##id], CHARSET_TEXT, \
		   CIVIC_##id == CIVIC_COUNTRY ? field_country_wrong : NULL, text),
	CIVIC_FIELDS(X)
#undef X
		{ .name = NULL },
};

/* Provisioned facts are never too many to be reported. */
static const char *location_wrong(const void *value, const char **member)
{
	static uint8_t space[2 * PIDF_MAX];
	char longest[ADDR_TEXT_MAX];
	const struct location_value *l = value;
	struct writer w = writer_over(space, sizeof(space));

	memset(longest, '1', sizeof(longest));
	civic_write_pidf(&w, &l->core.civic, bytes_mem(longest, sizeof(longest)),
			 bytes_mem(longest, sizeof(longest)));
	*member = "details";
	if (!l->core.civic.field[CIVIC_COUNTRY][0]) {
		*member = "country";
		return "a country is wanted";
	}
	return w.overflow || w.n > PIDF_MAX ? "the address is too long as a whole" : NULL;
}

const struct form g_location_form = { .fields = g_location_fields,
				      FORM_OF(struct location_value),
				      .wrong = location_wrong };

void location_to_core(const struct location_value *l, uint16_t tenant, struct site *out)
{
	*out = l->core;
	out->tenant = tenant;
	if (location_read(bytes_str(l->id), &out->id))
		out->id = 0;
}

/* In the order of enum record_tone. */
static const char *const g_message_waiting[] = { "subscribed", "registered", NULL };
static const char *const g_offline_blf[] = { "dark", "busy", NULL };
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
		return "there is no domain after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!domain_fits(one))
			return "a domain has 1 to 63 letters, digits, '.', '_' or '-'";
		if (++count > TENANT_DOMAINS_MAX)
			return "there are at most 16 domains";
	}
	return NULL;
}

/* -1: no time of day. */
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

static const char *field_presences_wrong(const void *value, const char *text)
{
	(void)value;
	return presence_list_wrong(bytes_str(text));
}

static const char *field_store_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	uint32_t count = 0;

	(void)value;
	if (list.n && list.p[list.n - 1] == ',')
		return "there is no name after a ','";
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n >= TENANT_STORE_NAME_MAX || one.p[0] == '.' ||
		    !command_allows(CHARSET_NAME, one))
			return "a destination has 1 to 31 letters, digits, '.', '_' or '-'";
		if (++count > TENANT_STORES_MAX)
			return "there are at most 8 destinations";
	}
	return NULL;
}

static const char *tenant_networks_wrong(const void *value, const char *text)
{
	struct webhook_network unused[WEBHOOK_NETWORKS_MAX];
	size_t count;

	(void)value;
	return webhook_networks_read(unused, &count, bytes_str(text))
		       ? "there are at most 16 networks, such as 10.1.0.0/16 or 2001:db8::/32"
		       : NULL;
}

static const char *tenant_multicast_wrong(const void *value, const char *text)
{
	struct webhook_network list[WEBHOOK_NETWORKS_MAX];
	size_t count;
	int err = webhook_networks_read(list, &count, bytes_str(text));

	(void)value;
	for (size_t i = 0; !err && i < count; i++)
		err = list[i].net.family != ADDR_V4 || !addr_is_multicast(&list[i].net) ||
		      list[i].bits < 4;
	return err ? "there are at most 16 networks of IPv4 multicast addresses, such as "
		     "239.1.0.0/16 or 224.0.1.116"
		   : NULL;
}

static const char *tenant_push_hosts_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;

	(void)value;
	while (bytes_cut(&list, ',', &one)) {
		if (bytes_starts(one, "*."))
			one = bytes_from(one, 2);
		if (!one.n || one.p[0] == '.' || !command_allows(CHARSET_NAME, one))
			return "each is the name of a host, or *. and a domain";
	}
	return NULL;
}

static const char *tenant_push_contact_wrong(const void *value, const char *text)
{
	struct bytes contact = bytes_str(text);

	(void)value;
	return !contact.n || (bytes_starts(contact, "mailto:") && strchr(text, '@')) ||
			       bytes_starts(contact, "https://")
		       ? NULL
		       : "it is mailto:NAME@DOMAIN or https://HOST/PATH";
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
	WORDS_FIELD(
		"commands", commands, g_command_roles, 3, "none; of the tenant default: admin",
		"Roles with a stream of commands that is read. None: operators alone command it."),
	WORDS_FIELD("classes", classes, g_dial_classes, DIAL_CLASS_COUNT, "all",
		    "Classes of numbers outside that its extensions may call at most. No extension "
		    "may call another class, whatever its own document says."),
	WORDS_FIELD("extension_classes", extension_classes, g_dial_classes, DIAL_CLASS_COUNT,
		    "toll_free, local, national, mobile",
		    "Classes that a new extension has, where the command that makes it names none. "
		    "Existing ones stay as they are. None: a new extension calls nobody outside."),
	NUMBER_FIELD("outside_calls", outside.calls, 0, 1000000, "0",
		     "Calls to numbers outside that its extensions have at a time at most, all "
		     "together. 0: any number."),
	NUMBER_FIELD("outside_minutes", outside.minutes, 0, 100000000, "0",
		     "Minutes that they talk in a day at most. 0: any number."),
	FLAG_FIELD(
		"outside_number_required", core.outside_number_required, "false",
		"true: an extension calls nobody outside, but for help, and sends no call there, "
		"unless its outside_number is one of the tenant (did.put)."),
	TEXT_FIELD(
		"outside_day_begins", outside_day, CHARSET_PLACES, field_day_wrong,
		"When such a day begins, as HH:MM of UTC: 23:00 for midnight in Berlin in winter. "
		"Empty: 00:00."),
	TEXT_FIELD("park_groups", core.park_groups, CHARSET_RANGES, field_park_wrong,
		   "Its slots to park calls in, joined by ',': NAME=FIRST-LAST each, such as "
		   "sales=10-19. An extension uses those of the groups it is in (park_groups of "
		   "extension.put). Empty: all slots are there, for everybody."),
	TEXT_FIELD("presence_states", core.presence_states, CHARSET_NUMBERS, field_presences_wrong,
		   "States of presence that its extensions may have beside the seven "
		   "(extension.put presence), joined by ','. Empty: any word."),
	FLAG_FIELD(
		"user_to_user", core.user_to_user, "false",
		"true: INVITEs to its phones have the tags of the call as User-to-User (RFC 7433), "
		"in hex, where the caller has sent none."),
	WORD_FIELD(
		"contact_names", core.contact_names, FIELD_NUMBER, g_contact_names, "missing",
		"Whether a caller from outside has the name of its contact, in the book of the "
		"extension that is called or in the directory: where it brings no name (missing), "
		"always, or never (off). With off, contacts that are blocked are not refused."),
	FLAG_FIELD("one_password", core.one_password, "false",
		   "true: an extension's password is the PIN of its mailbox, too. So it has digits "
		   "alone, is keyed at telephones, and anybody who finds it may call as the "
		   "extension: the guide of voicemail warns of that."),
	FLAG_FIELD("pin_always", core.pin_always, "false",
		   "true: an extension's own phone is asked for the PIN of its mailbox, too."),
	FLAG_FIELD("park_confirm", core.park_confirm, "false",
		   "true: a phone that parks somebody gets the slot by MESSAGE."),
	FLAG_FIELD("park_spoken", core.park_spoken, "false",
		   "true: the parking party hears the slot (the prompt parked, and its digits) "
		   "before tandem hangs up on it. A phone that holds its party, and takes Event: "
		   "talk, is told to end that before; one that does not hears nothing."),
	TEXT_FIELD("language", core.language, CHARSET_NAME, tenant_language_wrong,
		   "Language of the prompts that its phones hear, such as de: that of an extension "
		   "comes before it. Empty: the node's."),
	TEXT_FIELD(
		"zone", core.zone, CHARSET_TEXT, NULL,
		"Time zone of the time that its flows know, by its name in the IANA database, as "
		"Europe/Berlin. Empty: UTC."),
	WORDS_FIELD("account_classes", core.account_classes, g_dial_classes, DIAL_CLASS_COUNT,
		    "none",
		    "Classes of numbers outside that its extensions call with an account code "
		    "alone; account_code of extension.put and trunk.put ask for more."),
	REFERS_FIELD(
		"account_flow", core.account_flow, CHARSET_NAME, NULL, "flow",
		"The flow that asks for an account code where a call needs one and was dialled "
		"without. Empty: such a call is refused."),
	REFERS_FIELD(
		"bare_phones", core.bare_phones, CHARSET_NUMBER, NULL, "extension",
		"The extension of phones that no document names. They ask for their files without "
		"a password, and call for help, and numbers of flows that begin with #, such as "
		"#17, alone: docs/guides/phones.md. Empty: they get nothing."),
	TEXT_FIELD("enterprise", core.enterprise, CHARSET_NAME, NULL,
		   "The enterprise that it is a site of: at phones of its devices extensions of "
		   "other sites with relocates log in, by #17. Empty: of none."),
	WORDS_FIELD("features_off", core.withheld, g_entitlements, ENTITLEMENT_COUNT, "none",
		    "Features that none of its extensions has, whatever their features_off says."),
	NUMBER_FIELD(
		"max_calls", max.calls, 0, 1000000, "0",
		"Calls that it has on all nodes at most. Emergency calls are never refused. 0: "
		"any number, as with the next three."),
	NUMBER_FIELD("max_registrations", max.registrations, 0, 1000000, "0",
		     "Extensions with a registered phone that it has on one node at most."),
	NUMBER_FIELD(
		"max_extensions", max.extensions, 0, 1000000, "0",
		"Extensions that it has at most. Existing ones stay. 0: its share: as many as are "
		"left beside it, of limits.registrations; all, where the tenant default is alone."),
	NUMBER_FIELD("max_recorded", max.recorded, 0, 1000000, "0",
		     "Extensions and groups with record on, at most. Existing ones stay, and are "
		     "recorded. 0: any number."),
	TEXT_FIELD("seats", seats, CHARSET_TEXT, field_seats_wrong,
		   "Seats that it has, as KIND=COUNT joined by ','; a kind that is not there is "
		   "not counted: everybody has one. web, iptalk, phone, advanced, crm are given "
		   "to extensions (seats of extension.put): give them before they are counted. "
		   "session: so many users without web are logged in at a time; of web and "
		   "session the one that is missing is 0 where the other one is there. seat.list "
		   "shows them. max_recorded counts those of recording."),
	NUMBER_FIELD("max_sessions", max.sessions, 0, 12288, "0",
		     "Sessions of users that it has at most (session.create). 0: 4096, and no more "
		     "than its share. A node has room for 12,288."),
	NUMBER_FIELD("max_tokens", max.tokens, 0, 4096, "0",
		     "Tokens. 0: 256, as above. A node has room for 4,096."),
	NUMBER_FIELD("max_webhooks", max.webhooks, 0, 4096, "0",
		     "Webhooks. 0: 16. A node has room for 4,096."),
	NUMBER_FIELD("max_flows", max.flows, 0, 16384, "0",
		     "Flows. 0: 256. A node has room for 16,384."),
	NUMBER_FIELD("max_numbers", max.numbers, 0, 24576, "0",
		     "Numbers that lead to flows or groups. 0: 1,024. A node has room for 24,576."),
	NUMBER_FIELD("max_groups", max.groups, 0, 16384, "0",
		     "Groups. 0: 256. A node has room for 16,384."),
	NUMBER_FIELD("max_hours", max.hours, 0, 65536, "0",
		     "Opening hours. 0: 64. A node has room for 65,536."),
	NUMBER_FIELD("max_prompts", max.prompts, 0, 16384, "0",
		     "Prompts, in each language. 0: 1,000. A node has room for 16,384."),
	NUMBER_FIELD("max_accounts", max.accounts, 0, 524288, "0",
		     "Account codes. 0: 20,000. A node has room for 524,288."),
	NUMBER_FIELD("blf_lamps", blf_limit, 0, BLF_KEYS_MAX, "4",
		     "Lamps of other extensions (lamps of extension.put) that an extension has at "
		     "most. Existing ones stay."),
	FLAG_FIELD("monitor_told", monitor_tone, "false",
		   "true: a tone tells both parties of a call when a supervisor begins and ends to "
		   "monitor it (supervisor.put)."),
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
		"Trunks that it has at most. Existing ones stay. 0: its share, as with the next "
		"four: as many as are left beside it. A node has room for 4,096 of all tenants."),
	NUMBER_FIELD("max_dids", max.dids, 0, 1000000, "0",
		     "Documents of numbers that trunks call. A node has room for 65,536, of which "
		     "4,096 are patterns, 1,024 of one tenant."),
	NUMBER_FIELD("max_routes", max.routes, 0, 1000000, "0",
		     "Routes. A node has room for 1,024."),
	NUMBER_FIELD("max_locations", max.locations, 0, 1000000, "0",
		     "Locations of phones. A node has room for 4,096."),
	NUMBER_FIELD("max_rooms", max.rooms, 0, 1000000, "0",
		     "Rooms for conferences. A node has room for 4,096."),
	TEXT_FIELD(
		"user_room_numbers", user_room_numbers, CHARSET_TEXT, field_range_wrong,
		"Numbers that its users may give rooms of their own, by a session, as FIRST-LAST. "
		"Empty: users make no rooms."),
	NUMBER_FIELD("user_rooms", user_rooms, 1, UINT8_MAX, "1",
		     "Rooms that each user may have there. Existing ones stay."),
	NUMBER_FIELD("max_conferences", max.conferences, 0, 1000000, "0",
		     "Conferences of all kinds that it has on one node at most: then a factory "
		     "makes no further one, and answers 503. 0: any number."),
	TEXT_FIELD("recording_store", recordings.store, CHARSET_NUMBERS, field_store_wrong,
		   "Names of the destinations that its recordings go to, joined by ',', as "
		   "recordings.store of the node's file has them; none: they stay on the node. "
		   "Empty: those of recordings.deliver."),
	NUMBER_FIELD("mailbox_messages", mailbox_messages, 0, UINT16_MAX, "100",
		     "Messages that each of its mailboxes has room for, where the extension does "
		     "not say it. 0: any number."),
	NUMBER_FIELD("history_days", history.days, 0, 36500, "0",
		     "Days that its conversations are kept in the archive (history.list), with "
		     "notes, and what the archive has beside them. 0: for ever."),
	WORD_FIELD("history_shared", history.shared, FIELD_NUMBER, g_history_shared, "none",
		   "History that a user sees beside his own: that of nobody (none), of groups that "
		   "he is a member of and their members (groups), of all its extensions and groups "
		   "(all)."),
	WORD_FIELD("contact_sync", contact_sync, FIELD_NUMBER, g_tenant_syncs, "administrators",
		   "Who may put syncs, which ask servers for contacts (sync.put): administrators, "
		   "users and applications, too (users), or nobody, and none runs (none)."),
	NUMBER_FIELD("recording_days", recordings.days, 0, 36500, "0",
		     "Days that its recordings are kept on the node. 0: recordings.keep_days."),
	WORD_FIELD("offline_lamps", core.offline_busy, FIELD_NUMBER, g_offline_blf, "dark",
		   "What a lamp (Event: dialog) shows of an extension without a phone. dark: it "
		   "has no call; busy: that it is busy, as older systems do."),
	WORD_FIELD("message_lamps", core.messages_unasked, FIELD_NUMBER, g_message_waiting,
		   "subscribed",
		   "Which phones are told how many messages lie in their box (Event: "
		   "message-summary). subscribed: those that subscribe to it; registered: the "
		   "others, too, when they register and with each change."),
	WORD_FIELD("record_tone", core.record_tone, FIELD_NUMBER, g_record_tone, "default",
		   "Whether a tone tells both parties that a call is recorded: on, off, or "
		   "default, as recordings.tone says. On: as often as that says; where it is 0s, "
		   "every 15 s. What an extension says comes before it."),
	NUMBER_FIELD("recording_mib", recordings.mib, 0, 1073741824, "0",
		     "MiB of its recordings that are kept on a node at most: the oldest of those "
		     "that are delivered, or go nowhere, are deleted. 0: any number."),
	{ .name = "web_secret",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 3,
	  .max = WEBHOOK_SECRET_TEXT_MAX - 1,
	  .help = "Secret with which requests of its flows to web servers are signed: whsec_ and "
		  "the base64 of 24 to 64 octets; off: they are not. Nobody is shown it. Absent: "
		  "unchanged; at first off." },
	TEXT_FIELD(
		"web_networks", web.networks, CHARSET_PLACES, tenant_networks_wrong,
		"Networks that its flows may ask web servers in, joined by ',', such as "
		"10.1.0.0/16. Without them they reach addresses of the internet alone: none that "
		"is private, link-local, loopback, multicast or this machine's own."),
	TEXT_FIELD("push_hosts", push.hosts, CHARSET_TEXT, tenant_push_hosts_wrong,
		   "Hosts of push services by which browsers of its users may be told of calls "
		   "(browser.add), joined by ',', or with *. before a domain: fcm.googleapis.com,"
		   "*.push.services.mozilla.com,web.push.apple.com,*.notify.windows.com. Empty: "
		   "nothing is pushed."),
	TEXT_FIELD("push_contact", push.contact, CHARSET_TEXT, tenant_push_contact_wrong,
		   "Where push services may write about its pushes (RFC 8292): mailto:NAME@DOMAIN "
		   "or https://HOST/PATH. Some take none without."),
	NUMBER_FIELD(
		"push_wait_s", push.wait_s, 0, 120, "20",
		"So long a call for an extension without a registered phone waits, in seconds, "
		"where one of its browsers was told of it: until a phone of it, as that browser, "
		"has registered. Then it goes on as to an extension without a phone, and so does "
		"a call that no browser can be told of, at once. 0: none waits."),
	TEXT_FIELD("multicast_addresses", multicast.addresses, CHARSET_PLACES,
		   tenant_multicast_wrong,
		   "IPv4 multicast addresses that its paging groups may have (page.put), as "
		   "networks joined by ',': 239.1.0.0/16,224.0.1.116. Empty: none, as for every "
		   "new tenant, default too."),
	TEXT_FIELD("multicast_networks", multicast.networks, CHARSET_NUMBERS, NULL,
		   "Names of networks in the node file (networks) by which they may leave, joined "
		   "by ','. Empty: the first one alone."),
	NUMBER_FIELD("multicast_ttl", multicast.ttl, 0, UINT8_MAX, "0",
		     "How many networks they cross, at most. 0: as 1, that of the node alone."),
	{ .name = "restore",
	  .type = ARG_BOOL,
	  .preset = "false",
	  .help = "Restores the deleted tenant of this name, with all that is left of it. Without "
		  "it the name of a deleted tenant is refused." },
	{ .name = NULL },
};

/* Capacity of a common answering machine, which a disk holds thousands of times. */
enum { MAILBOX_MESSAGES = 100, PUSH_WAIT_S = 20 };

static void tenant_start(void *value, struct bytes name)
{
	struct tenant_value *t = value;

	t->enabled = true;
	t->classes = CLASSES_ALL;
	t->extension_classes = DIAL_CLASSES_FIRST;
	t->blf_limit = BLF_DEFAULT;
	t->user_rooms = 1;
	t->mailbox_messages = MAILBOX_MESSAGES;
	t->push.wait_s = PUSH_WAIT_S;
	(void)bytes_cstr(name, t->name, sizeof(t->name));
	if (bytes_is(name, TENANT_DEFAULT_NAME))
		t->commands = 1u << COMMAND_FOR_ADMIN;
}

static_assert(MAILBOX_MESSAGES == 100, "the text above says it");

const struct form g_tenant_form = { .fields = g_tenant_fields,
				    FORM_OF(struct tenant_value),
				    .begin = tenant_start,
				    .secret = "web_secret",
				    .secret_at = offsetof(struct tenant_value, web.secret) };

enum { TENANT_CONTEXT_MAX = TENANT_NAME_MAX + 16 };

static struct bytes tenant_context(const struct tenant_value *t, char out[TENANT_CONTEXT_MAX])
{
	struct writer w = writer_over(out, TENANT_CONTEXT_MAX);

	WRITER_TEXTS(&w, "tenant web ", t->name);
	return writer_done(&w);
}

int tenant_web_seal(struct tenant_value *t, struct bytes secret, const struct seal_key *key,
		    struct rand_source *rand)
{
	char context[TENANT_CONTEXT_MAX];
	struct webhook_secret octets;
	int err = webhook_secret_read(&octets, secret);

	explicit_bzero(&octets, sizeof(octets));
	return err ? err
		   : form_secret_seal(t->web.secret, tenant_context(t, context), secret, key, rand);
}

int tenant_web_open(const struct tenant_value *t, const struct seal_key *key,
		    char out[WEBHOOK_SECRET_TEXT_MAX])
{
	char context[TENANT_CONTEXT_MAX];

	return form_secret_open(out, WEBHOOK_SECRET_TEXT_MAX, tenant_context(t, context),
				t->web.secret, key);
}

uint32_t tenant_roles(const struct tenant_value *t)
{
	return t->enabled ? t->commands : 0;
}

void tenant_to_settings(const struct tenant_value *t, struct tenant_settings *out)
{
	struct bytes list = bytes_str(t->domains), one;
	uint32_t counted = 0;

	*out = (struct tenant_settings){ .barred = (uint8_t)(CLASSES_ALL & ~t->classes),
					 .disabled = !t->enabled,
					 .toll = t->outside,
					 .terms = t->core };
	if (day_second(t->outside_day) > 0)
		out->toll_begins_s = (uint32_t)day_second(t->outside_day);
	(void)seats_read(bytes_str(t->seats), out->most + TENANT_SEATS, &counted);
	out->terms.seats_counted = (uint8_t)counted;
	out->terms.wake_s = (uint8_t)(t->push.hosts[0] ? t->push.wait_s : 0);
	out->most[TENANT_CALLS] = t->max.calls;
	out->most[TENANT_REGISTRATIONS] = t->max.registrations;
	out->most[TENANT_EXTENSIONS] = t->max.extensions;
	out->most[TENANT_RECORDED] = t->max.recorded;
	out->most[TENANT_SESSIONS] = t->max.sessions;
	out->most[TENANT_TOKENS] = t->max.tokens;
	out->most[TENANT_WEBHOOKS] = t->max.webhooks;
	out->most[TENANT_FLOWS] = t->max.flows;
	out->most[TENANT_FLOW_NUMBERS] = t->max.numbers;
	out->most[TENANT_GROUPS] = t->max.groups;
	out->most[TENANT_CALENDARS] = t->max.hours;
	out->most[TENANT_PROMPTS] = t->max.prompts;
	out->most[TENANT_ACCOUNTS] = t->max.accounts;
	out->most[TENANT_SUBSCRIPTIONS] = t->max.subscriptions;
	out->most[TENANT_TRUNKS] = t->max.trunks;
	out->most[TENANT_NUMBERS] = t->max.dids;
	out->most[TENANT_ROUTES] = t->max.routes;
	out->most[TENANT_SITES] = t->max.locations;
	out->most[TENANT_ROOMS] = t->max.rooms;
	out->most[TENANT_CONFERENCES] = t->max.conferences;
	out->per_second[TENANT_CALL_RATE] = t->max.calls_per_s;
	out->per_second[TENANT_REGISTER_RATE] = t->max.registers_per_s;
	memcpy(out->name, t->name, sizeof(out->name));
	while (bytes_cut(&list, ',', &one) && out->domain_count < TENANT_DOMAINS_MAX) {
		if (!out->domain_count)
			(void)bytes_cstr(one, out->realm, sizeof(out->realm));
		(void)bytes_cstr(one, out->domains[out->domain_count++], TENANT_DOMAIN_MAX);
	}
}
