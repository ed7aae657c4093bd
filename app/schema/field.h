/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of documents. One line of a kind's table says all of a field: how it is given and checked (struct command_arg), and where it
 * lies in the value. Arguments, help, what a document holds and what is shown follow from it. In the order in which they are shown.
 */
#ifndef APP_SCHEMA_FIELD_H
#define APP_SCHEMA_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/flat.h"

struct command_arg;
struct command_run;
struct document_reader;

enum { FIELD_NAME_MAX = 16, NUMBER_WORDS_MAX = 160 };

enum field_kind {
	FIELD_NONE,   /* an argument that is no field */
	FIELD_TEXT,   /* char[], ends with a NUL */
	FIELD_ADDR,   /* struct addr without port */
	FIELD_NUMBER, /* a number, a flag or the index of a word, in 1, 2, 4 or 8 octets */
	FIELD_NOT,    /* a flag that says the opposite */
	FIELD_BIT,    /* a word: none for the first, 1 << (index - 1) for any other */
	FIELD_BITS,   /* several words: 1 << index of each */
	FIELD_NAMES, /* several words, as text: how many in one octet, and char[][FIELD_NAME_MAX] behind it */
	/* of orders, which are no documents */
	FIELD_SLICE,    /* struct bytes, valid as long as the command */
	FIELD_PLUS_ONE, /* a word: 1 + its index; 0: it is not given */
};

struct field {
	enum field_kind kind;
	size_t at, size;
	/* NULL, or what is wrong with the text, beyond what the argument allows. value: of the document. */
	const char *(*wrong)(const void *value, const char *text);
	bool patterns; /* its text has patterns of numbers, of which some hardly mean what they say */
	bool url; /* a URL: user, password and query nobody is shown, its path administrators */
	/* Its text names documents of that kind, or numbers ("number"), joined by ','; "": those alone that say of what kind they are,
	 * as flow:NAME. NULL: it names none. */
	const char *refers;
	bool weighted; /* ':' and more may stand behind each name */
};

/* Where a member lies of FIELD_OF, which whoever has a table defines: the struct of its values. */
#define FIELD_AT(how, member) \
	.kind = (how), .at = offsetof(FIELD_OF, member), .size = sizeof(((FIELD_OF *)NULL)->member)
/* What an absent argument means. */
#define FIELD_PRESET(first) "unchanged; at first " first

/* It must be there. */
#define KEY_FIELD(what, member, set, text)                                                        \
	{                                                                                         \
		.name = (what), .type = ARG_STRING, .charset = (set), .required = true, .min = 1, \
		.max = sizeof(((FIELD_OF *)NULL)->member) - 1, .help = (text),                    \
		.field = { FIELD_AT(FIELD_TEXT, member) },                                        \
	}
#define ADDR_FIELD(what, member, text)                                                          \
	{                                                                                       \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_IP, .required = true,    \
		.min = 2, .max = 45, .help = (text), .field = { FIELD_AT(FIELD_ADDR, member) }, \
	}
/* The others may be absent. check: as field.wrong, or NULL. */
#define TEXT_FIELD(what, member, set, check, text)                                              \
	{                                                                                       \
		.name = (what), .type = ARG_STRING, .charset = (set),                           \
		.max = sizeof(((FIELD_OF *)NULL)->member) - 1, .preset = FIELD_PRESET("empty"), \
		.help = (text), .field = { FIELD_AT(FIELD_TEXT, member), .wrong = (check) },    \
	}
/* Patterns of numbers. */
#define PATTERNS_FIELD(what, member, set, check, text)                                          \
	{                                                                                       \
		.name = (what), .type = ARG_STRING, .charset = (set),                           \
		.max = sizeof(((FIELD_OF *)NULL)->member) - 1, .preset = FIELD_PRESET("empty"), \
		.help = (text),                                                                 \
		.field = { FIELD_AT(FIELD_TEXT, member), .wrong = (check), .patterns = true },  \
	}
/* A URL, or names that say of what kind they are. */
#define URL_FIELD(what, member, check, text)                                                    \
	{                                                                                       \
		.name = (what), .type = ARG_STRING, .charset = CHARSET_TEXT,                    \
		.max = sizeof(((FIELD_OF *)NULL)->member) - 1, .preset = FIELD_PRESET("empty"), \
		.help = (text),                                                                 \
		.field = { FIELD_AT(FIELD_TEXT, member), .wrong = (check), .url = true,         \
			   .refers = "" },                                                      \
	}
/* Names of documents: kind as field.refers. */
#define REFERS_FIELD(what, member, set, check, kind_, text)                                     \
	{                                                                                       \
		.name = (what), .type = ARG_STRING, .charset = (set),                           \
		.max = sizeof(((FIELD_OF *)NULL)->member) - 1, .preset = FIELD_PRESET("empty"), \
		.help = (text),                                                                 \
		.field = { FIELD_AT(FIELD_TEXT, member), .wrong = (check), .refers = (kind_) }, \
	}
#define WEIGHTED_FIELD(what, member, set, check, kind_, text)                                   \
	{                                                                                       \
		.name = (what), .type = ARG_STRING, .charset = (set),                           \
		.max = sizeof(((FIELD_OF *)NULL)->member) - 1, .preset = FIELD_PRESET("empty"), \
		.help = (text),                                                                 \
		.field = { FIELD_AT(FIELD_TEXT, member), .wrong = (check), .refers = (kind_),   \
			   .weighted = true },                                                  \
	}
#define FLAG_FIELD(what, member, first, text)                                                    \
	{                                                                                        \
		.name = (what), .type = ARG_BOOL, .preset = FIELD_PRESET(first), .help = (text), \
		.field = { FIELD_AT(FIELD_NUMBER, member) },                                     \
	}
#define NOT_FIELD(what, member, text)                                                             \
	{                                                                                         \
		.name = (what), .type = ARG_BOOL, .preset = FIELD_PRESET("true"), .help = (text), \
		.field = { FIELD_AT(FIELD_NOT, member) },                                         \
	}
#define NUMBER_FIELD(what, member, least, most, first, text)                    \
	{                                                                       \
		.name = (what), .type = ARG_U64, .min = (least), .max = (most), \
		.preset = FIELD_PRESET(first), .help = (text),                  \
		.field = { FIELD_AT(FIELD_NUMBER, member) },                    \
	}
#define WORD_FIELD(what, member, how, words, first, text)                                          \
	{                                                                                          \
		.name = (what), .type = ARG_ENUM, .names = (words), .preset = FIELD_PRESET(first), \
		.help = (text), .field = { FIELD_AT(how, member) },                                \
	}
#define WORDS_FIELD(what, member, words, most, first, text)                        \
	{                                                                          \
		.name = (what), .type = ARG_LIST, .names = (words), .max = (most), \
		.preset = FIELD_PRESET(first), .help = (text),                     \
		.field = { FIELD_AT(FIELD_BITS, member) },                         \
	}

/* Tables of fields end with name NULL. */

/* Sets the members of an order that the arguments of its command are: as given, else as their presets say, else text stays and numbers are 0. */
void field_order(const struct command_run *run, void *order);
/* What is given of them as arguments. False: the run has failed. */
bool fields_read_args(struct command_run *run, const struct command_arg *fields, void *value);
/* What the document has of them: one of an older version lacks some. Its lists may have words that this version does not know. */
void field_fill(struct document_reader *r, const struct command_arg *fields, void *value);
/* Adds to a list a sentence for each thing that is right, but hardly meant so. */
void field_warn(const struct command_arg *fields, const void *value, json_t *out);
/* A document that a text names. */
struct reference {
	const char *kind;
	struct bytes name;
};
/* The next one of a text of that field, which is cut off. False: there is none. SLOT= in front of a name, and a label behind it, are passed
 * over; so are URLs, times and "*". */
bool field_refers_next(const struct field *f, struct bytes *text, struct reference *out);
/* Without those that are as in `initial`, where that is not NULL and a document need not have them. New reference, NULL: out of memory. */
json_t *field_json(const struct command_arg *fields, const void *value, const void *initial);

/*
 * Documents without secrets: a table of fields and when they were changed say all of how one is written, shown and read. A kind that has a
 * form needs no functions for that.
 */

struct seal_key;

struct form {
	const struct command_arg *fields; /* the first one names the document */
	size_t size;                      /* of a value */
	size_t changed;                   /* where its changed_utc_ms lies, a uint64_t */
	/* What a value is before anything is said of it; it is zeroed. NULL: that is all. */
	void (*begin)(void *value, struct bytes name);
	/* What of its fields do not go together, and the member to name; or NULL. NULL: all do. */
	const char *(*wrong)(const void *value, const char **member);
	/* A secret that documents have, sealed, as NAME_sealed; nobody is shown more than has_NAME. NULL: there is none. */
	const char *secret;
	size_t secret_at; /* char[FORM_SECRET_MAX]: the sealed text; "": none is given */
};

enum { FORM_SECRET_MAX = 640 };

struct rand_source;
/* A secret as documents have it, bound to that context: another document's is none. 0, -EINVAL or -EBADMSG: then out is "". */
int form_secret_seal(char out[FORM_SECRET_MAX], struct bytes context, struct bytes secret,
		     const struct seal_key *key, struct rand_source *rand) NODISCARD;
int form_secret_open(char *out, size_t cap, struct bytes context, const char *sealed,
		     const struct seal_key *key) NODISCARD;

/* Of values of a type, with its member changed_utc_ms. */
#define FORM_OF(type) .size = sizeof(type), .changed = offsetof(type, changed_utc_ms)

/* Zeroed, and begun. */
void form_begin(const struct form *f, void *value, struct bytes name);
uint64_t *form_changed(const struct form *f, void *value);
/* New references, NULL: out of memory. The document has its version, too. */
json_t *form_view(const struct form *f, const void *value);
/* In such a view, as roles below administrator have it: of its URLs scheme, host and port. */
void form_urls_hide(const struct form *f, json_t *json, const void *value);
json_t *form_document(const struct form *f, const void *value);
/* 0, -EBADMSG or -EPROTONOSUPPORT with a reason, -ENOMEM: then value is as it was. Unknown members are left out, those that lack are as
 * they begin. */
int form_read(const struct form *f, void *value, struct bytes json, const char **reason) NODISCARD;

/* A value as it was given: as an argument of a command, by jansson, or in a document, mostly without a tree (base/flat.h). */

enum given_kind {
	GIVEN_NOTHING,
	GIVEN_TEXT,
	GIVEN_NUMBER, /* whole */
	GIVEN_FALSE,
	GIVEN_TRUE,
	GIVEN_LIST,
	GIVEN_OTHER, /* what nobody takes */
};

/* Slices of what was read. */
struct given {
	enum given_kind kind;
	struct bytes text;
	int64_t number;
	/* of a list */
	size_t count;
	const json_t *list; /* NULL: words has it; of GIVEN_OTHER: the object it is */
	struct bytes words; /* as flat_word takes them */
};

/* NULL: nothing. */
struct given given_json(const json_t *json);
/* The i-th of a list, taken in their order. kind is GIVEN_TEXT, or no text is there. */
struct given given_next(struct given *list, size_t i);

/* ---- members of documents: people write into Redis by hand, so every type is checked ---- */

/* A document of a higher version (its member v) is of a later program, and this one must not go on with it. */
enum { DOCUMENT_NAME_MAX = 64, DOCUMENT_FORMAT = 1 };

/* json with the version of a document's form. Steals it; NULL: out of memory. */
json_t *document_versioned(json_t *json);

/* json with when it was changed. Steals it; NULL: out of memory. */
json_t *document_shown(json_t *json, uint64_t changed_utc_ms);

/* Reads members; keeps the first one that is wrong, and changes nothing from then on. */
struct document_reader {
	struct flat *flat; /* NULL: it is not such a one, and a tree has it */
	const json_t *json;
	const char *wrong;          /* NULL: none yet */
	const struct seal_key *key; /* of its secrets; NULL: it has none */
	const struct form *form;    /* NULL: it has none */
};

struct given document_member(const struct document_reader *r, const char *name);

/* It must be there, and fit. */
void document_text(struct document_reader *r, const char *member, char *out, size_t cap);
/* Something else is wrong with it. */
void document_refuse(struct document_reader *r, const char *member);
uint64_t document_changed(const struct document_reader *r);

/* Parses, then fill reads the members of the object into a value of that size, zeroed before. As form_read. */
typedef void document_fill_fn(struct document_reader *r, void *value);
int document_read(struct bytes text, const struct seal_key *key, document_fill_fn *fill,
		  void *value, size_t size, const char **reason) NODISCARD;

#endif
