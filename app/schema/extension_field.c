/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of an extension: one row for each, with the name that its document, the commands
 * extension.put and .get, and their help share. The lists of names are in the order of the enums
 * that they name. extension.c reads and writes the document by these rows. */

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "app/schema/extension.h"
#include "app/schema/field.h"
#include "app/schema/tenant_field.h"
#include "app/sound/sound_prompt.h"
#include "sig/dial/dial.h"

/* In the order of single_phone: REG-07. */
static const char *const g_phones[] = { "multi", "single", NULL };
/* Values of media_address for false and true. */
static const char *const g_media_address[] = { "signalling", "sdp", NULL };
/* In the order of enum shard_webrtc. */
static const char *const g_webrtc[] = { "auto", "never", "always", NULL };

/* In the order of enum record_method, record_direction and record_scope. */
const char *const g_record_words[] = { "off", "auto", "on_demand", NULL };
static const char *const g_record_directions[] = { "both", "inbound", "outbound", NULL };
static const char *const g_record_scope[] = { "both", "internal", "external", NULL };
/* In the order of enum record_to. */
const char *const g_record_to_words[] = { "files", "siprec", "mailbox", NULL };

/* In the order of enum account_by. */
static const char *const g_account_code[] = { "off", "optional", "required", "override", NULL };

const char *const g_auto_answer_words[] = { "off", "alert-autoanswer", "auto-answer", NULL };

const char *const g_presence_sources[] = { "command", "page", "code", "calendar", NULL };

/* In the order of enum call_waiting. */
static const char *const g_call_waiting[] = { "phone", "off", "single", "multiple", NULL };

/* In the order of enum announce_to. */
static const char *const g_announce_to[] = { "callee", "caller", "both", NULL };

/* In the order of enum dial_scheme. */
static const char *const g_extension_dialling[] = { "dialplan", "enblock", "overlap", NULL };

/* In the order of enum shard_monitor. */
static const char *const g_monitor[] = { "all", "listed", "none", NULL };
/* In the order of enum shard_monitored. */
static const char *const g_monitored[] = { "parties", "state", "none", NULL };
/* In the order of enum phone_features. */
static const char *const g_phone_features[] = { "all", "no_do_not_disturb", "none", NULL };

static const char *joined_wrong(const char *text, const char *ends, const char *each)
{
	struct bytes list = bytes_str(text), one;

	if (list.n && (list.p[list.n - 1] == ',' || list.p[0] == ','))
		return ends;
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || one.n >= FORWARD_TARGET_MAX)
			return each;
	}
	return NULL;
}

static const char *field_monitors_wrong(const void *value, const char *text)
{
	(void)value;
	return joined_wrong(text, "there is no number before or after a ','",
			    "each number has 1 to 31 characters");
}

static const char *field_forward_wrong(const void *value, const char *text)
{
	const struct extension *e = value;
	struct bytes list = bytes_str(text), one;
	const char *wrong = field_monitors_wrong(value, text);

	for (uint32_t count = 1; !wrong && bytes_cut(&list, ',', &one); count++)
		wrong = bytes_is(one, e->core.number) ? "an extension cannot forward to itself"
			: count > FORWARD_NUMBERS_MAX ? "there are at most 8 numbers"
						      : NULL;
	return wrong;
}

/* REG-23 */
static const char *field_mobile_wrong(const void *value, const char *text)
{
	const struct extension *e = value;

	if (text[0] && e->secondary[0])
		return "with a secondary_proxy it has none: forward_unreachable may be beside it";
	return field_forward_wrong(value, text);
}

static const char *extension_rules_wrong(const void *value, const char *text)
{
	(void)value;
	return dial_rules_wrong(bytes_str(text));
}

/* In the order of enum box_notify. */
static const char *const g_box_notify[] = { "none", "urgent", "all", NULL };

/* HH:MM */
static bool minutes_read(struct bytes time, uint32_t *out)
{
	uint32_t hour, minute;

	if (time.n != 5 || time.p[2] != ':' || bytes_u32(bytes_sub(time, 0, 2), &hour) ||
	    bytes_u32(bytes_from(time, 3), &minute) || hour > 23 || minute > 59)
		return false;
	*out = hour * 60 + minute;
	return true;
}

bool box_times_read(const char *text, uint32_t *from, uint32_t *until)
{
	struct bytes rest = bytes_str(text), first;

	return bytes_cut(&rest, '-', &first) && minutes_read(first, from) &&
	       minutes_read(rest, until) && *from != *until;
}

static const char *field_notify_hours_wrong(const void *value, const char *text)
{
	uint32_t from, until;

	(void)value;
	return !command_allows(CHARSET_NAME, bytes_str(text)) &&
			       !box_times_read(text, &from, &until)
		       ? "it is the name of a calendar, or a time of each day, such as 08:00-18:00"
		       : NULL;
}

static const char *field_mail_wrong(const void *value, const char *text)
{
	const char *at = strchr(text, '@');

	(void)value;
	if (!text[0])
		return NULL;
	for (const char *p = text; *p; p++) {
		if (*p <= ' ' || *p > '~' || strchr("<>,;:\"\\()", *p))
			return "it is one address, such as one@example.org";
	}
	return at && at != text && at[1] && !strchr(at + 1, '@')
		       ? NULL
		       : "it is one address, such as one@example.org";
}

static const char *field_blf_wrong(const void *value, const char *text)
{
	(void)value;
	return blf_keys_wrong(bytes_str(text));
}

static const char *field_pickup_wrong(const void *value, const char *text)
{
	(void)value;
	return joined_wrong(text, "there is no name before or after a ','",
			    "each name has 1 to 31 characters");
}

static const char *field_locations_wrong(const void *value, const char *text)
{
	uint16_t unused[EXTENSION_LOCATIONS_MAX];

	(void)value;
	return extension_locations(bytes_str(text), unused) < 0
		       ? "it is at most 8 different numbers, 1 to 65535"
		       : NULL;
}
static_assert(EXTENSION_LOCATIONS_MAX == 8, "the text above says it");

const char *extension_proxy_wrong(const void *value, const char *text)
{
	struct bytes rest = bytes_str(text), host = { 0 };
	uint32_t port = 1;
	bool named = bytes_cut(&rest, ':', &host);

	(void)value;
	for (size_t i = 0; i < host.n; i++)
		named &= isalnum(host.p[i]) || host.p[i] == '-' || host.p[i] == '.';
	if (rest.n && (bytes_u32(rest, &port) || !port || port > UINT16_MAX))
		named = false;
	return !text[0] || (named && host.n) ? NULL : "it is a host, or HOST:PORT";
}

/* A file, "off" or "". */
const char *field_music_wrong(const void *value, const char *text)
{
	struct sound_name unused;

	(void)value;
	if (!text[0] || sound_name_set(&unused, BYTES_LIT("tenant"), bytes_str(text), 8000))
		return NULL;
	return "the name of a file has no '.' in front";
}

static const char *announcement_wrong(const void *value, const char *text)
{
	struct bytes tenant = BYTES_LIT("tenant"), name = bytes_str(text);
	struct sound_name unused;

	(void)value;
	if (!text[0] || sound_name_set(&unused, tenant, name, 8000) ||
	    sound_prompt_set(&unused, tenant, (struct bytes){ 0 }, name, 8000))
		return NULL;
	return "it is the name of a file, without '.' in front, or prompt:NAME";
}

static const char *extension_language_wrong(const void *value, const char *text)
{
	(void)value;
	return sound_language_is_good(bytes_str(text)) ? NULL : SOUND_LANGUAGE_WRONG;
}

static const char *field_presence_wrong(const void *value, const char *text)
{
	(void)value;
	return presence_wrong(text);
}

static const char *field_greetings_wrong(const void *value, const char *text)
{
	(void)value;
	return greetings_wrong(text);
}

#undef FIELD_OF
#define FIELD_OF struct extension
#define FORWARD_FIELD(what, member, text) \
	REFERS_FIELD(what, forward.member, CHARSET_NUMBERS, field_forward_wrong, "number", text)

const struct command_arg g_extension_fields[] = {
	KEY_FIELD("number", core.number, CHARSET_NUMBER,
		  "Number of the extension; also its user name for SIP."),
	{ .name = "password",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 4,
	  .max = 128,
	  .help = "New password; only hashes of it are kept. A new extension needs it, or ha1." },
	{ .name = "pin",
	  .type = ARG_SECRET,
	  .charset = CHARSET_PIN,
	  .min = 3,
	  .max = EXTENSION_PIN_MAX,
	  .help = "PIN of its mailbox, 4 to 16 digits; off: none, and only its own phone hears "
		  "the mailbox. Only a hash of it is kept." },
	{ .name = "ha1",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = HA1_TEXT,
	  .max = HA1_TEXT,
	  .help = "In place of password: H(number:realm:password) in hex by MD5, SHA-256 and "
		  "SHA-512/256, joined by ':'. "
		  "tandemctl sends this, so that no password lies in Redis." },
	REFERS_FIELD(
		"locations", locations, CHARSET_NUMBERS, field_locations_wrong, "location",
		"Ids of locations joined by ',', at most 8, where its phones may stand. A phone "
		"that authenticates as NUMBER" LOCATED_MARK "ID is at that one: emergency calls "
		"say so. A new one needs the password, or ha1 and location_ha1."),
	{ .name = "location_ha1",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = HA1_TEXT,
	  .max = EXTENSION_LOCATIONS_MAX * (HA1_TEXT + 7),
	  .help = "With ha1: ID=HASHES of each of locations, joined by ',', where HASHES are as in "
		  "ha1, of NUMBER" LOCATED_MARK "ID. tandemctl sends this." },
	TEXT_FIELD("display_name", core.display_name, CHARSET_TEXT, NULL,
		   "Name shown to others. Callers of a flow find it by its first letters "
		   "(directory)."),
	FLAG_FIELD("unlisted", unlisted, "false", "true: callers do not find it by its name."),
	TEXT_FIELD("first_name", person.first_name, CHARSET_TEXT, NULL,
		   "First name of the person."),
	TEXT_FIELD("last_name", person.last_name, CHARSET_TEXT, NULL, "Last name of the person."),
	TEXT_FIELD("department", person.department, CHARSET_TEXT, NULL,
		   "Department of the person."),
	TEXT_FIELD("title", person.title, CHARSET_TEXT, NULL, "Job title of the person."),
	TEXT_FIELD(
		"mail", person.mail, CHARSET_TEXT, field_mail_wrong,
		"Mail address of the person, for directories. mailbox_mail is where messages go."),
	TEXT_FIELD(
		"dids", person.dids, CHARSET_NUMBERS, field_monitors_wrong,
		"Numbers outside that lead to it, joined by ',', for directories. did.put routes "
		"them."),
	NOT_FIELD("shown", person.hidden, "It is in the tenant's directory (directory.list)."),
	FLAG_FIELD("directory_write", person.writes, "false",
		   "true: its user may change the contacts of the tenant's directory "
		   "(directory.put and its like)."),
	FLAG_FIELD("enabled", core.enabled, "true",
		   "false: it can neither register nor call, but for emergency calls."),
	FLAG_FIELD(
		"early_media", core.early_media, "false",
		"Pass 183 with SDP on to the phone; false: it gets 180, unless its codec profile "
		"says otherwise."),
	FLAG_FIELD("tls", core.tls_srtp, "false",
		   "It registers and calls over TLS only, but for emergency calls. Goes together "
		   "with srtp."),
	FLAG_FIELD("srtp", srtp, "false", "Its media is SRTP only. Goes together with tls."),
	FLAG_FIELD("sdes_insecure", core.sdes_insecure, "false",
		   "Offer and accept SRTP keys over UDP and TCP too, where others can read them."),
	WORD_FIELD("phones", core.single_phone, FIELD_NUMBER, g_phones, "multi",
		   "single: a second phone cannot register while one is registered."),
	NOT_FIELD("video", core.no_video,
		  "Video in its calls, where its codec profile has it too."),
	WORD_FIELD("webrtc", core.webrtc, FIELD_NUMBER, g_webrtc, "auto",
		   "DTLS-SRTP with ICE. auto: offered to phones on a WebSocket, accepted over TLS, "
		   "too; always: over any transport."),
	WORD_FIELD("media_address", core.media_by_sdp, FIELD_NUMBER, g_media_address, "signalling",
		   "Where its media comes from and goes to. signalling: the host its SIP comes "
		   "from; sdp: the one its SDP names, for phones with a media address of their "
		   "own."),
	NOT_FIELD("hold", core.no_hold,
		  "Its phones may hold the other party. false: a re-INVITE or UPDATE that would is "
		  "answered 403, and the call goes on; commands hold all the same."),
	NOT_FIELD("transfer", core.no_transfer,
		  "Its phones may give a party to somebody else. false: REFER is answered 403."),
	FLAG_FIELD("relocates", core.relocates, "false",
		   "Whether it may log in at phones of other sites (enterprise of tenant.put), by "
		   "#17. While it is logged in there, its phones at home are none of it."),
	NOT_FIELD(
		"forwarding_codes", core.no_forwarding_codes,
		"Its phones may change forward_* by feature codes. false: such a code is answered "
		"403; commands change them all the same."),
	NOT_FIELD("do_not_disturb_codes", core.no_do_not_disturb_codes,
		  "Its phones may change do_not_disturb and smart_do_not_disturb by feature codes. "
		  "false: as with forwarding_codes."),
	WORD_FIELD(
		"phone_features", core.phone_features, FIELD_NUMBER, g_phone_features, "all",
		"What its phones show and set by as-feature-event. all: do not disturb and "
		"forwarding; no_do_not_disturb: forwarding, and their key for do not disturb does "
		"nothing; none: nothing, and they watch no presence, as old phones."),
	WORDS_FIELD(
		"features_off", core.withheld, g_entitlements, ENTITLEMENT_COUNT, "none",
		"Features that it does not have, joined by ',': use of one is refused "
		"(not_entitled). presence, lamps: its phones watch nobody by them; feature_sync: "
		"they are not told of do_not_disturb and forward_*; park, transfer, record_key: "
		"they do not do that, nor does its user; conference: they make no conference by a "
		"factory; call_control: its user controls no calls by a session; auto_answer: its "
		"phones are not asked to answer; video: its calls have none; directory: its phones "
		"dial by none."),
	WORDS_FIELD("seats", core.seats, g_seats_given, SEATS_GIVEN, "none",
		    "Seats that it has, joined by ',', where the tenant's are counted (seats of "
		    "tenant.put). web: its user logs in; iptalk: a browser is its phone; phone: "
		    "other phones; advanced: lamps, feature_sync, park, call_control, auto_answer, "
		    "record_key, video and directory (features_off); crm: its CRM."),
	WORDS_FIELD(
		"classes", core.classes, g_dial_classes, DIAL_CLASS_COUNT,
		"toll_free, local, national, mobile",
		"Classes of numbers outside that it may call, by the tenant's dial plan. other: "
		"numbers that no class has. None: it calls nobody outside. Emergency numbers are "
		"of no class."),
	WORD_FIELD(
		"dialling", core.dialling, FIELD_NUMBER, g_extension_dialling, "dialplan",
		"How its phones send what is dialled. dialplan: as dialling of the tenant's dial "
		"plan says; enblock, overlap: as there, for this extension."),
	TEXT_FIELD("dial_rules", forward.dial_rules, CHARSET_TEXT, extension_rules_wrong,
		   "Changes of what its phones dial, as rules of dialplan.put: "
		   "PREFIX>REPLACEMENT or PREFIX>REPLACEMENT/LENGTH, joined by ','. The first one "
		   "counts that fits; the plan's come after it."),
	TEXT_FIELD("trunk_access", forward.trunk_access, CHARSET_DIGITS, NULL,
		   "Access code of the trunk (access of trunk.put) by which its calls outside go "
		   "where none of a trunk is dialled: one of trunk_accesses. Empty, or while no "
		   "trunk has it: any trunk of the route."),
	TEXT_FIELD("trunk_accesses", forward.trunk_accesses, CHARSET_NUMBERS, NULL,
		   "Access codes that its user may choose trunk_access of, joined by ','."),
	NUMBER_FIELD("outside_calls", core.outside_calls, 0, UINT16_MAX, "4",
		     "Most calls to numbers outside that it has at a time, with those that it "
		     "forwards or transfers. 0: any number. Emergency calls are not limited."),
	NUMBER_FIELD(
		"outside_minutes", core.outside_minutes, 0, UINT16_MAX, "480",
		"Minutes that they talk in a day (UTC) at most, all together; then they end. 0: "
		"any number."),
	WORD_FIELD(
		"record", core.record, FIELD_NUMBER, g_record_words, "off",
		"Recording of its calls. auto: each that record_direction and record_scope have, "
		"from the answer on; on_demand: call.record begins and ends it, and its party by "
		"in-call codes (call_codes "
		"in the node file) and record_page; off: none. Where "
		"callers must know of it, tell them: see the guide."),
	FLAG_FIELD("record_own", record_own, "false",
		   "Whether its user changes record: auto records all his calls."),
	WORD_FIELD(
		"record_direction", core.record_directions, FIELD_NUMBER, g_record_directions,
		"both",
		"With record=auto. inbound: calls that come to it; outbound: those that it makes."),
	WORD_FIELD(
		"record_scope", core.record_scope, FIELD_NUMBER, g_record_scope, "both",
		"With record=auto. internal: calls with extensions; external: those with trunks."),
	WORD_FIELD(
		"record_to", core.record_to, FIELD_NUMBER, g_record_to_words, "files",
		"Where they go: files of the node; mailbox, files that lie in the mailbox of its "
		"number (recording.list mailbox); or siprec, the external recorder of the "
		"setting siprec.address. call.record may say otherwise."),
	WORD_FIELD("record_tone", core.record_tone, FIELD_NUMBER, g_record_tone, "default",
		   "Whether a tone tells both parties that its calls are recorded: on, off, or "
		   "default, as record_tone of its tenant says. How often, recordings.tone says; "
		   "where that is 0s, every 15 s."),
	FLAG_FIELD("record_page", core.record_page, "false",
		   "A page for its phone's browser, with a Record key while it speaks: "
		   "extension.page has its link. With another record than on_demand the page has "
		   "no key. false, and then true again, makes another link."),
	{ .name = "record_page_renew",
	  .type = ARG_BOOL,
	  .help = "true: another link to its page; the one before is good no longer." },
	WORD_FIELD("account_code", core.account_code, FIELD_NUMBER, g_account_code, "off",
		   "Whether its phones enter account codes of calls. optional: at any time, by the "
		   "in-call code (call_codes.account in the node file); required: and before each "
		   "call outside; override: likewise, and # alone lets it go out without one; off: "
		   "they do not. call.account_code sets one in any case."),
	WORD_FIELD("monitor", core.monitor, FIELD_NUMBER, g_monitor, "all",
		   "Numbers that its phones may watch by BLF. listed: those of monitors; none: its "
		   "own alone. SUBSCRIBE for others is answered 403."),
	REFERS_FIELD("monitors", monitors, CHARSET_NUMBERS, field_monitors_wrong, "number",
		     "Numbers joined by ',' that it may watch with monitor=listed."),
	REFERS_FIELD(
		"lamps", blf_keys, CHARSET_TEXT, field_blf_wrong, "",
		"Lamps of its phones, at most 10, which they watch as the list lamps-NUMBER: "
		"SLOT=blf:NUMBER for an extension of its monitors, or SLOT=park:SLOT for a slot "
		"of parked calls, joined by ','; SLOT before '=' is 1 to 10. :LABEL behind it "
		"is shown at the key; without one it is the name of the extension. blf_lamps of "
		"tenant.put says how many may be blf."),
	TEXT_FIELD("secondary_proxy", secondary, CHARSET_PLACES, extension_proxy_wrong,
		   "Host, or HOST:PORT, of a gateway that its phones use while the node is not "
		   "reached, over plain UDP; port 5060 without one. In the files of its Polycom "
		   "phones. Empty: none."),
	FLAG_FIELD("secondary_registers", secondary_registers, "false",
		   "true: its phones register there, too, and are called there. Off where several "
		   "phones have the extension, or log in by #17."),
	REFERS_FIELD("mobile_extension", forward.mobile, CHARSET_NUMBER, field_mobile_wrong,
		     "number",
		     "Number of its user's mobile phone: where calls go when no phone of it is "
		     "registered, or none answers the INVITE, and forward_unreachable is empty. "
		     "No key or feature code of the phone changes it. Not beside a "
		     "secondary_proxy. Empty: off."),
	FLAG_FIELD("lamps_splash", blf_splash, "false",
		   "true: its phones ring and show the caller when a number of their lamps rings; "
		   "false: the key blinks. It is for programs that make settings of phones."),
	WORD_FIELD("monitored", core.monitored, FIELD_NUMBER, g_monitored, "parties",
		   "What watchers see of its calls. parties: the state, the other party and the "
		   "dialog; state: the state alone; none: nothing."),
	TEXT_FIELD("pickup_groups", pickup_groups, CHARSET_NUMBERS, field_pickup_wrong,
		   "Pick-up groups that it is in: names joined by ','. Extensions of one group may "
		   "take the calls that ring at each other; phones of one extension always may."),
	TEXT_FIELD("park_groups", park_groups, CHARSET_NUMBERS, field_pickup_wrong,
		   "Groups of the tenant's slots that it uses (park_groups of tenant.put): names "
		   "joined by ','. A code without a slot parks in the first one. Ignored where the "
		   "tenant has no groups."),
	REFERS_FIELD(
		"hours", hours, CHARSET_NUMBERS, field_pickup_wrong, "hours",
		"Opening hours that its phones may open and close by a feature code: names joined "
		"by ','; *: all."),
	TEXT_FIELD(
		"groups_out", groups_out, CHARSET_NUMBERS, field_pickup_wrong,
		"Groups that it is logged out of (group.put): names joined by ','; *: all. None of "
		"them rings it. group.login, group.logout and two feature codes change it."),
	FORWARD_FIELD("forward_always", always,
		      "Number that all calls to it go to instead; no phone of it rings. Several "
		      "joined by ',', at most 8, are tried one after the other: the next one when "
		      "a number is busy, does not answer or is not there, and does not send the "
		      "call on. A number may be the code of a slot (#4107), as its phones dial it: "
		      "the caller waits there. Empty: off."),
	FORWARD_FIELD("forward_busy", busy,
		      "As forward_always, when a phone of it says busy, with do_not_disturb, with "
		      "smart_do_not_disturb while it has a call, and where call_waiting says so."),
	FORWARD_FIELD("forward_no_answer", no_answer,
		      "As forward_always, when nobody has answered after forward_rings rings."),
	FORWARD_FIELD("forward_unreachable", unreachable,
		      "As forward_always, when no phone of it is registered, or none answers the "
		      "INVITE."),
	NUMBER_FIELD("forward_rings", forward.rings, 0, FORWARD_RINGS_MAX, "0",
		     "Rings of 6 s before forward_no_answer, and before the next number of a list; "
		     "0: as long as any call rings, in a list 4."),
	FLAG_FIELD("do_not_disturb", forward.do_not_disturb, "false",
		   "No phone of it rings: callers find it busy. It can still call."),
	FLAG_FIELD("smart_do_not_disturb", forward.smart_do_not_disturb, "false",
		   "As do_not_disturb, while it has a call, made or taken, or its phones ring for "
		   "one: the first call rings, any further one finds it busy."),
	WORD_FIELD(
		"call_waiting", forward.call_waiting, FIELD_NUMBER, g_call_waiting, "phone",
		"How a call is treated that comes while the extension has another one. phone: its "
		"phones ring, and do as they like; off: it is busy; single: the call waits, the "
		"user hears a tone, and the phones ring when the user hangs up, holds or parks; "
		"one more finds it busy; multiple: five wait so, and ring in their order."),
	FLAG_FIELD("live_call", forward.live_call, "false",
		   "While it hears its mailbox or another prompt, pages, transfers or is in a "
		   "conference, up to five calls wait for it with ringback, whatever call_waiting "
		   "says. It hears the tone, and its phones ring behind that."),
	WORD_FIELD("auto_answer", core.auto_answer, FIELD_NUMBER, g_auto_answer_words, "off",
		   "Whether its phones are asked to answer all calls by themselves: the word that "
		   "they know in Alert-Info (info=...), or off."),
	NUMBER_FIELD(
		"auto_answer_s", core.auto_answer_s, 0, AUTO_ANSWER_MAX_S, "0",
		"Seconds that they ring before they do (delay of Alert-Info). 0: at once, with "
		"Answer-Mode: Auto as well."),
	TEXT_FIELD("application", forward.application, CHARSET_NAME, NULL,
		   "Application that its calls wait for; no phone of it rings. Empty: off."),
	NUMBER_FIELD(
		"application_wait_s", forward.application_wait_s, 0, APPLICATION_WAIT_MAX_S, "0",
		"How long they wait, then forward_no_answer counts, or they get 480; 0: 60 s."),
	TEXT_FIELD(
		"outside_number", forward.outside_number, CHARSET_NUMBER, NULL,
		"Number as which it is shown outside, by trunks. Empty: caller_id of the trunk."),
	TEXT_FIELD(
		"outside_numbers", forward.outside_numbers, CHARSET_NUMBERS, NULL,
		"Numbers as which its phones may ask to be shown by P-Preferred-Identity, joined "
		"by ','."),
	TEXT_FIELD("blocked", forward.blocked, CHARSET_NUMBERS, NULL,
		   "Callers that it rejects: numbers joined by ','. They get 603 (Decline). "
		   "anonymous: callers who hide their number get 433."),
	REFERS_FIELD("announce_inside", forward.announce_inside, CHARSET_TEXT, announcement_wrong,
		     "",
		     "Announcement in its calls to numbers inside: the callee hears it after "
		     "answering, before the two speak, and the caller hears hold music meanwhile. "
		     "A file in media.sounds, or prompt:NAME. Empty: none."),
	REFERS_FIELD(
		"announce_outside", forward.announce_outside, CHARSET_TEXT, announcement_wrong, "",
		"As announce_inside, in its calls to numbers outside, but for emergency calls."),
	WORD_FIELD(
		"announce_to", forward.announce_to, FIELD_NUMBER, g_announce_to, "callee",
		"Party that hears the announcement, while the other one hears hold music: callee; "
		"caller: its own phone; both: where the two phones take the same codec."),
	TEXT_FIELD("music", music, CHARSET_NAME, field_music_wrong,
		   "Hold music for parties that it holds: name of a file in media.sounds, which "
		   "need not be there yet. off: none, so the held party hears what the phone "
		   "sends. Empty, or while the file cannot be used: as media.music says."),
	TEXT_FIELD("presence", presence.words[PRESENCE_MANUAL].state, CHARSET_NAME,
		   field_presence_wrong,
		   "Its presence: available, busy, do_not_disturb, in_a_meeting, away, "
		   "out_of_office, off_work, or another word. Empty: available. No phone rings "
		   "otherwise for it. extension.presence says it, too, and tells of it."),
	REFERS_FIELD(
		"greetings", greetings, CHARSET_TEXT, field_greetings_wrong, "",
		"What callers hear in each presence, where an application plays greeting:NUMBER: "
		"STATE=FILE joined by ',', where FILE is a file in media.sounds, prompt:NAME or "
		"recording:CALL-NUMBER. default=FILE: in all others. extension.greeting sets "
		"one."),
	TEXT_FIELD("language", core.language, CHARSET_NAME, extension_language_wrong,
		   "Language of the prompts that its phones hear, such as de. Empty: that of its "
		   "tenant."),
	REFERS_FIELD("mailbox_members", box.members, CHARSET_NUMBERS, field_monitors_wrong,
		     "extension",
		     "Extensions that see the mailbox of its number as it does itself: numbers "
		     "joined by ','. Their users list, hear and change its messages, and their "
		     "phones may watch how many there are. by of a message says who changed it "
		     "last."),
	NUMBER_FIELD("mailbox_messages", box.messages, 0, UINT16_MAX, "0",
		     "Messages that its mailbox has room for, new and old; 0: as many as "
		     "mailbox_messages of the tenant says. A full "
		     "one says so before the beep."),
	NUMBER_FIELD("mailbox_minutes", box.minutes, 0, UINT16_MAX, "0",
		     "Minutes that its messages may have, all together; 0: any number."),
	NUMBER_FIELD("mailbox_days", box.days, 0, UINT16_MAX, "0",
		     "Days after which its messages are deleted, as message.delete does; 0: "
		     "never. It is looked at once a day."),
	TEXT_FIELD("mailbox_mail", box.mail, CHARSET_TEXT, field_mail_wrong,
		   "Address to which its new messages are sent (mail.url in the node file). "
		   "Empty: none."),
	NOT_FIELD("mailbox_mail_audio", box.mail_no_audio,
		  "The mail has the message itself, as WAV; false: it says that there is one."),
	FLAG_FIELD("mailbox_mail_delete", box.mail_delete, "false",
		   "true: a message is deleted when it was sent with its audio."),
	FLAG_FIELD("mailbox_transcribe", box.transcribe, "false",
		   "true: its messages are transcribed (transcription.url in the node file), in "
		   "mails, too."),
	WORD_FIELD("mailbox_notify", box.notify, FIELD_NUMBER, g_box_notify, "none",
		   "Which new messages are told by a call to mailbox_notify_to: none, urgent "
		   "ones or all."),
	REFERS_FIELD("mailbox_notify_to", box.notify_to, CHARSET_NUMBER, NULL, "number",
		     "Number that is called then: an extension, or a number outside as this "
		     "extension dials it, at its cost. Empty: the extension itself."),
	REFERS_FIELD("mailbox_notify_hours", box.notify_hours, CHARSET_TEXT,
		     field_notify_hours_wrong, "hours",
		     "Opening hours in which it is called, or a time of each day, as 08:00-18:00; "
		     "outside of them the call waits. Empty: at any time."),
	NUMBER_FIELD("mailbox_notify_retry_s", box.notify_retry_s, 0, 3600, "0",
		     "Seconds until it is called again while such a message is new, doubled each "
		     "time, 5 calls in all; 0: 300."),
	{ .name = NULL },
};
