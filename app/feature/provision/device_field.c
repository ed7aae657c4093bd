/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a device as a document of a tenant. device_documents.c puts and deletes such
 * documents by g_device_form. A MAC is written in one way, so a phone cannot be there twice. What
 * an administrator overrides becomes attributes of XML: their names are checked here, their values
 * are escaped where they are written.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/feature/provision/device_field.h"
#include "app/feature/provision/template.h"
#include "app/schema/extension.h"
#include "sig/sip/uri.h"

static const char *const g_device_makes[] = { "polycom", "yealink", "grandstream", "snom",
					      "cisco",   "fanvil",  NULL };
static const char *const g_device_generations[] = { "8.5", "7.0", NULL };
enum { MAKE_POLYCOM, MAKE_YEALINK }; /* which take overrides */
enum { GENERATION_70 = 1, VVX500_COLUMNS = 3 };
/* In the order of enum device_secondary. */
static const char *const g_device_secondaries[] = { "extension", "no", "yes", NULL };
static const char *const g_device_clocks[] = { "24", "12", "native", NULL };

/* Of Polycom, in each generation. */
static const char *const g_models_85[] = {
	"vvx300",        "vvx310",        "vvx400",           "vvx410",           "vvx500",
	"vvx600",        "soundpoint331", "soundpoint450",    "soundpoint550",    "soundpoint560",
	"soundpoint650", "soundpoint670", "soundstation6000", "soundstation7000", NULL,
};
static const char *const g_models_70[] = { "soundpoint321",    "soundpoint331",
					   "soundpoint335",    "soundpoint560",
					   "soundpoint650",    "soundstation6000",
					   "soundstation7000", NULL };

bool device_mac_read(struct bytes text, char out[PHONE_MAC_LEN + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (n && n % 2 == 0 && (c == ':' || c == '-' || c == '.') && i + 1 < text.n &&
		    text.p[i - 1] != c)
			continue;
		if (c > '~' || !isxdigit(c) || n == PHONE_MAC_LEN)
			return false;
		out[n++] = (char)tolower(c);
	}
	out[n] = '\0';
	/* all zero is the file of phones that nobody knows; a group address is no phone's */
	return n == PHONE_MAC_LEN && strspn(out, "0") != n && !strchr("13579bdf", out[1]);
}

void device_family(const struct device_value *v, char out[DEVICE_FAMILY_MAX])
{
	bool has_generations = v->make == MAKE_POLYCOM;

	(void)snprintf(out, DEVICE_FAMILY_MAX, "%s%s%s", g_device_makes[v->make],
		       has_generations ? "-" : "",
		       has_generations ? g_device_generations[v->generation] : "");
}

bool device_model_is_known(const struct device_value *v)
{
	const char *const *models = v->generation == GENERATION_70 ? g_models_70 : g_models_85;

	for (size_t i = 0; models[i]; i++) {
		if (!strcmp(models[i], v->model))
			return true;
	}
	return !v->model[0] || v->make != MAKE_POLYCOM;
}

bool device_takes_overrides(const struct device_value *v)
{
	return v->make == MAKE_POLYCOM || v->make == MAKE_YEALINK;
}

bool device_has_call_keys(const struct device_value *v)
{
	return v->make == MAKE_POLYCOM &&
	       (!strncmp(v->model, "vvx3", 4) || !strncmp(v->model, "vvx4", 4));
}

enum { RELEASE_PARTS = 3 };

/* "7.0", or with its update "7.0.1". False: it is no release. */
static bool release_read(const char *text, uint32_t out[RELEASE_PARTS])
{
	struct bytes rest = bytes_str(text), one;
	unsigned count = 0;

	memset(out, 0, RELEASE_PARTS * sizeof(out[0]));
	while (bytes_cut(&rest, '.', &one)) {
		if (count == RELEASE_PARTS || bytes_u32(one, &out[count++]))
			return false;
	}
	return count >= 2;
}

/* PROV-03: up to Update 1 of 7.0 */
bool device_needs_reset(const struct device_value *v)
{
	uint32_t of[RELEASE_PARTS];

	return release_read(v->former_release, of) &&
	       (of[0] < 7 || (of[0] == 7 && !of[1] && of[2] <= 1));
}

/* PROV-04 */
const char *device_reset_how(const struct device_value *v)
{
	if (!device_needs_reset(v))
		return NULL;
	if (v->make != MAKE_POLYCOM)
		return "set it back to what it had from the factory";
	return v->generation == GENERATION_70
		       ? "in the menu of its administrator Reset Local Config, and then Reset "
			 "Device Settings"
		       : "in its web page Utilities, Phone Backup & Restore, Global Settings, "
			 "Restore";
}

static const char *field_release_wrong(const void *value, const char *text)
{
	uint32_t of[RELEASE_PARTS];

	(void)value;
	return text[0] && !release_read(text, of) ? "it is a release, such as 7.0 or 7.0.1" : NULL;
}

bool device_registers_there(const struct device_value *v, bool extension)
{
	return v->secondary_registers == SECONDARY_AS_EXTENSION
		       ? extension
		       : v->secondary_registers == SECONDARY_REGISTERS;
}

uint8_t device_columns(const struct device_value *v)
{
	bool narrow = !strcmp(v->model, "vvx500") && v->columns > VVX500_COLUMNS;

	return narrow ? VVX500_COLUMNS : v->columns;
}

static const char *field_digit_map_wrong(const void *value, const char *text)
{
	(void)value;
	return text[strspn(text, "0123456789xXTRS*#+[]()-.,|")]
		       ? "it is a digit map: digits, x, T, R, '*', '#', '+', '[1-7]', ',', '.' and "
			 "'|'"
		       : NULL;
}

bool device_override_next(struct bytes *rest, struct bytes *key, struct bytes *value)
{
	struct bytes one;

	if (!bytes_cut(rest, ';', &one))
		return false;
	one = bytes_trim(one);
	*key = bytes_sub(one, 0, bytes_find(one, '='));
	*value = key->n < one.n ? bytes_from(one, key->n + 1) : (struct bytes){ 0 };
	return true;
}

static const char *field_lines_wrong(const void *value, const char *text)
{
	struct bytes list = bytes_str(text), one;
	unsigned count = 0;

	(void)value;
	while (bytes_cut(&list, ',', &one)) {
		if (!one.n || ++count > PHONE_LINES_MAX)
			return "it is 1 to 6 numbers, joined by ','";
		if (bytes_list_has(list, one))
			return "a number is there twice";
	}
	return NULL;
}
static_assert(PHONE_LINES_MAX == 6, "the text above says it");

/* The key of the override that stands in front is there already: XML takes a name once. */
static bool override_is_again(struct bytes before, struct bytes key)
{
	struct bytes one, value;

	while (device_override_next(&before, &one, &value)) {
		if (bytes_eq(one, key))
			return true;
	}
	return false;
}

static const char *field_overrides_wrong(const void *value, const char *text)
{
	struct bytes all = bytes_str(text), rest = all, key, said;
	unsigned count = 0;

	(void)value;
	while (device_override_next(&rest, &key, &said)) {
		size_t before = (size_t)(key.p - all.p);

		if (++count > PHONE_OVERRIDES_MAX)
			return "it is at most 64 parameters";
		if (!template_is_key(key) || !said.p)
			return "it is KEY=VALUE joined by ';', and a key has letters, digits, "
			       "'.', '_' and '-'";
		if (override_is_again(bytes_sub(all, 0, before), key))
			return "a key is there twice";
	}
	return NULL;
}
static_assert(PHONE_OVERRIDES_MAX == 64, "the text above says it");

/* SEC-04: 456 is what everybody knows. Shorter ones are refused with it. */
static const char *field_menu_wrong(const void *value, const char *text)
{
	(void)value;
	return text[0] && strlen(text) < DEVICE_MENU_MIN ? "it has 4 to 32 characters" : NULL;
}

/* Those words mean something for devices alone. */
static const char *field_profile_menu_wrong(const void *value, const char *text)
{
	return !strcmp(text, "random") || !strcmp(text, DEVICE_MENU_PROFILE)
		       ? "random and profile are for device.put: a profile has a password"
		       : field_menu_wrong(value, text);
}

#undef FIELD_OF
#define FIELD_OF struct device_value
const struct command_arg g_device_fields[] = {
	{ .name = "mac",
	  .type = ARG_STRING,
	  .charset = CHARSET_PLACES,
	  .required = true,
	  .min = PHONE_MAC_LEN,
	  .max = PHONE_MAC_LEN + 5,
	  .help = "MAC of the phone, on its back: 12 hexadecimal digits, also as "
		  "00:04:F2:14:AB:37. It is kept as 0004f214ab37.",
	  .field = { FIELD_AT(FIELD_TEXT, mac) } },
	WORD_FIELD("make", make, FIELD_NUMBER, g_device_makes, "polycom", "Who made it."),
	WORD_FIELD("generation", generation, FIELD_NUMBER, g_device_generations, "8.5",
		   "Which files a Polycom reads. 8.5: UC Software 4.0 and 5.4; 7.0: SIP 3.2.7."),
	TEXT_FIELD("model", model, CHARSET_NAME, NULL,
		   "Its model, such as vvx410 or soundpoint650."),
	REFERS_FIELD("extensions", extensions, CHARSET_NUMBERS, field_lines_wrong, "extension",
		     "Numbers of its lines, joined by ',', at most 6. It logs in as the first one, "
		     "and the others have the same password, or are left out."),
	{ .name = "location",
	  .type = ARG_U64,
	  .max = UINT16_MAX,
	  .preset = FIELD_PRESET("0"),
	  .help = "Id of the location where it stands (locations of extension.put): it "
		  "registers as NUMBER" LOCATED_MARK "ID. 0: it does not say.",
	  .field = { FIELD_AT(FIELD_NUMBER, location), .refers = "location" } },
	NUMBER_FIELD("columns", columns, 1, 4, "1",
		     "Columns of line keys on its display; a vvx500 has 3 at most."),
	WORD_FIELD("clock", clock, FIELD_NUMBER, g_device_clocks, "24",
		   "Hours of its clock: 24 or 12; native: 12, as well."),
	NUMBER_FIELD("video_kbps", video_kbps, 128, 4096, "768",
		     "Rate of its video at most, in kbit/s."),
	NUMBER_FIELD("video_dscp", video_dscp, 0, 63, "0",
		     "DSCP of its video. 0: that of the node (media.dscp_video), AF41 at first."),
	TEXT_FIELD("secondary_proxy", secondary, CHARSET_PLACES, extension_proxy_wrong,
		   "A secondary proxy of this phone alone, as in extension.put; off: none. Empty: "
		   "that of its extension."),
	WORD_FIELD("secondary_registers", secondary_registers, FIELD_NUMBER, g_device_secondaries,
		   "extension",
		   "Whether it registers there. extension: as secondary_registers of its extension "
		   "says."),
	TEXT_FIELD("digit_map", digit_map, CHARSET_TEXT, field_digit_map_wrong,
		   "A digit map of its own. It is kept as it is, whatever becomes of the dial "
		   "plan. Without one it has that of the tenant's plan."),
	FLAG_FIELD("directory_key", directory_key, "false",
		   "true: it shows a key for directories when it is off-hook."),
	FLAG_FIELD("directory_page", directory_page, "false",
		   "true: a Polycom of 8.5 has a key Directory, which opens the directory in its "
		   "micro-browser, also in a call. Such phones, and those of 7.0, have that page "
		   "by the key of their micro-browser in any case."),
	REFERS_FIELD(
		"directory_profile", directory_profile, CHARSET_NAME, NULL, "directory_profile",
		"Which extensions the directory in its micro-browser lists: directory.profile.put. "
		"Empty: all extensions, and the contacts of the tenant."),
	FLAG_FIELD("firmware", firmware, "true",
		   "Whether it is offered the firmware of provision.firmware when it boots."),
	{ .name = "password",
	  .type = ARG_SECRET,
	  .charset = CHARSET_TEXT,
	  .min = 3,
	  .max = DEVICE_PASSWORD_MAX - 1,
	  .help = "A password of its own: then it logs in with it by its MAC, for its files and as "
		  "a "
		  "phone, and extensions can log in at it (device.login). It has one extension, "
		  "and is the phone of that one meanwhile. Nobody is shown it. off: it has none. "
		  "Absent: unchanged; at first off." },
	REFERS_FIELD("user", user, CHARSET_NUMBER, NULL, "extension",
		     "The extension that is logged in at it. Empty: none, and it is a phone of "
		     "extensions. device.login and device.logout set it."),
	TEXT_FIELD("guest", guest, CHARSET_TEXT, NULL,
		   "The extension of another site that is logged in at it, as NUMBER@TENANT. "
		   "device.login by #17 sets it, and nobody else."),
	TEXT_FIELD("former", former, CHARSET_TEXT, NULL,
		   "The extension that had the phone before. The node writes it."),
	NUMBER_FIELD("login_utc_ms", login_utc_ms, 0, UINT64_MAX, "0",
		     "When the last extension logged in or out. The node writes it."),
	NUMBER_FIELD("logout_utc_ms", logout_utc_ms, 0, UINT64_MAX, "0",
		     "When the login ends by itself; 0: it does not."),
	{ .name = "menu_password",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = DEVICE_MENU_MAX - 1,
	  .preset = FIELD_PRESET("five digits at random, where it is a Polycom of 8.5"),
	  .help = "The password of the administrator in the menu and the web page of the phone, 4 "
		  "to "
		  "32 characters; random: five digits; profile: that of its profile. Empty: what "
		  "the phone has stays, 456 at first. Administrators alone are shown it.",
	  .field = { FIELD_AT(FIELD_TEXT, menu_password), .wrong = field_menu_wrong,
		     .guarded = true } },
	REFERS_FIELD("profile", profile, CHARSET_NAME, NULL, "device_profile",
		     "The profile of its phone (device.profile.put). Empty: that with the name "
		     "default, where there is one."),
	TEXT_FIELD("former_release", former_release, CHARSET_NAME, field_release_wrong,
		   "Release of the system that had the phone before, with its update: 7.0.1. Up to "
		   "7.0.1 the phone needs a reset, as reset_needed and warnings say, until this is "
		   "empty. Empty: none had it, or it was reset since."),
	{ .name = "overrides",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = DEVICE_OVERRIDES_MAX - 1,
	  .preset = FIELD_PRESET("empty"),
	  .help = "Parameters of the phone as KEY=VALUE, joined by ';', which come before those "
		  "that the node has: up.backlight.idleIntensity=0. Administrators alone are shown "
		  "them: a password may be there.",
	  .field = { FIELD_AT(FIELD_TEXT, overrides), .wrong = field_overrides_wrong,
		     .guarded = true } },
	{ .name = NULL },
};
#undef FIELD_OF

/* In the order of enum device_feature. */
static const char *const g_device_features[] = { "do_not_disturb", "forwarding", "lamps",
						 "record_key",     "directory",  "paging",
						 "video",          NULL };
static_assert(COUNT_OF(g_device_features) == DEVICE_FEATURES + 1, "a word for each");

#define FIELD_OF struct device_profile
const struct command_arg g_device_profile_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME,
		  "Name of the profile. default: devices that name none have it."),
	WORDS_FIELD("features_off", features_off, g_device_features, DEVICE_FEATURES, "none",
		    "What its phones do not have: keys for do not disturb and forwarding (of a "
		    "Polycom of 8.5), lamps, the record key, the directory in the micro-browser "
		    "and its keys, groups of paging, video. What the node grants to extensions is "
		    "features_off of extension.put."),
	{ .name = "menu_password",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = DEVICE_MENU_MAX - 1,
	  .preset = FIELD_PRESET("empty"),
	  .help = "The password of the administrator in the menus of its phones, 4 to 32 "
		  "characters: of devices with menu_password=profile, which new Polycoms of 8.5 "
		  "have then. Empty: phones keep what they have. Administrators alone are shown "
		  "it.",
	  .field = { FIELD_AT(FIELD_TEXT, menu_password), .wrong = field_profile_menu_wrong,
		     .guarded = true } },
	TEXT_FIELD(
		"digit_map", digit_map, CHARSET_TEXT, field_digit_map_wrong,
		"The digit map of devices without one of their own, in place of that of the dial "
		"plan."),
	{ .name = "overrides",
	  .type = ARG_STRING,
	  .charset = CHARSET_TEXT,
	  .max = DEVICE_OVERRIDES_MAX - 1,
	  .preset = FIELD_PRESET("empty"),
	  .help = "Parameters of its phones, as overrides of device.put, which come first; what "
		  "has no room beside them is left out. Administrators alone are shown them.",
	  .field = { FIELD_AT(FIELD_TEXT, overrides), .wrong = field_overrides_wrong,
		     .guarded = true } },
	{ .name = NULL },
};
#undef FIELD_OF

const struct form g_device_profile_form = { .fields = g_device_profile_fields,
					    FORM_OF(struct device_profile) };

static void device_start(void *value, struct bytes name)
{
	struct device_value *v = value;

	v->columns = 1;
	v->video_kbps = 768;
	v->firmware = true;
	(void)bytes_cstr(name, v->mac, sizeof(v->mac));
}

static const char *device_wrong(const void *value, const char **member)
{
	const struct device_value *v = value;
	char normal[PHONE_MAC_LEN + 1];

	*member = "mac";
	if (!device_mac_read(bytes_str(v->mac), normal) || strcmp(normal, v->mac) != 0)
		return "it is 12 hexadecimal digits in lower case, as 0004f214ab37";
	*member = "generation";
	if (v->make != MAKE_POLYCOM && v->generation)
		return "phones of Polycom alone have generations";
	*member = "extensions";
	if (v->password[0] && strchr(v->extensions, ','))
		return "a device with a password of its own has one extension";
	return v->extensions[0] ? NULL : "a device needs an extension";
}

const struct form g_device_form = {
	.fields = g_device_fields,
	FORM_OF(struct device_value),
	.begin = device_start,
	.wrong = device_wrong,
	.secret = "password",
	.secret_at = offsetof(struct device_value, password),
};
