/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of documents. One line of a kind's table describes a field: how it is given and checked
 * (struct command_arg), and its place in the value. Arguments, help, documents and views follow
 * from it, in the order of the view.
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
	/* Several words, as text: their number in one octet, then char[][FIELD_NAME_MAX]. */
	FIELD_NAMES,
	/* of orders, which are no documents */
	FIELD_SLICE,    /* struct bytes, valid as long as the command */
	FIELD_PLUS_ONE, /* a word: 1 + its index; 0: it is not given */
};

struct field {
	enum field_kind kind;
	size_t at, size;
	/* NULL, or the error of the text, beyond the argument's limits. value: of the document. */
	const char *(*wrong)(const void *value, const char *text);
	/* Patterns of numbers: lint checks whether they can match as meant. */
	bool patterns;
	bool url;     /* a URL: user, password and query nobody is shown, its path administrators */
	bool guarded; /* it may hold secrets of others: administrators alone are shown it */
	/* Its text names documents of that kind, or numbers ("number"), joined by ','; "": only
	 * those with a kind in front, such as flow:NAME. A number names the document of that name,
	 * 0 none. NULL: none. */
	const char *refers;
	bool weighted;  /* ':' and more may stand behind each name */
	bool goes_with; /* its document is deleted with the one that it names (force) */
};

/* Place of a member in FIELD_OF, the struct of the values, which the file of a table defines. */
#define FIELD_AT(how, member) \
	.kind = (how), .at = offsetof(FIELD_OF, member), .size = sizeof(((FIELD_OF *)NULL)->member)
/* Meaning of an absent argument. */
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
/* These may be absent. check: as field.wrong, or NULL. */
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
/* A URL, or names with a kind in front. */
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
/* One name: the document goes with the one that has it. */
#define GOES_WITH_FIELD(what, member, set, kind_, text)                                          \
	{                                                                                        \
		.name = (what), .type = ARG_STRING, .charset = (set),                            \
		.max = sizeof(((FIELD_OF *)NULL)->member) - 1, .preset = FIELD_PRESET("empty"),  \
		.help = (text),                                                                  \
		.field = { FIELD_AT(FIELD_TEXT, member), .refers = (kind_), .goes_with = true }, \
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

/* Sets the members of an order from the command's arguments: given, else the presets; else text is
 * unchanged and numbers are 0. */
void field_order(const struct command_run *run, void *order);
/* Reads the given arguments. False: the run has failed. */
bool fields_read_args(struct command_run *run, const struct command_arg *fields, void *value);
/* Reads the document's members: an older version lacks some, and lists may have words that this
 * version does not know. */
void field_fill(struct document_reader *r, const struct command_arg *fields, void *value);
/* Adds a sentence for each value that is valid, but hardly meant. */
void field_warn(const struct command_arg *fields, const void *value, json_t *out);
/* A document that a text names. */
struct reference {
	const char *kind;
	struct bytes name;
};
/* Cuts off the text's next reference of that field. False: none. Ignores SLOT= in front of a name
 * and a label behind it, URLs, times and "*". */
/* Of FIELD_NUMBER; at: of the member. */
uint64_t field_number_get(const struct field *f, const void *at);
bool field_refers_next(const struct field *f, struct bytes *text, struct reference *out);
/* Without fields as in `initial`, if that is not NULL and the document may lack them. New
 * reference, NULL: out of memory. */
json_t *field_json(const struct command_arg *fields, const void *value, const void *initial);

/* Documents by table: the fields and the time of change say how one is written, shown and read. A
 * kind with a form needs no functions for that. */

struct seal_key;

struct form {
	const struct command_arg *fields; /* the first one names the document */
	size_t size;                      /* of a value */
	size_t changed;                   /* where its changed_utc_ms lies, a uint64_t */
	/* Sets the initial values; the value is zeroed. NULL: that is all. */
	void (*begin)(void *value, struct bytes name);
	/* The conflict between its fields, and the member to name; or NULL. NULL: no check. */
	const char *(*wrong)(const void *value, const char **member);
	/* A secret of its documents, sealed, as NAME_sealed; views have has_NAME. NULL: none. */
	const char *secret;
	size_t secret_at; /* char[FORM_SECRET_MAX]: the sealed text; "": none is given */
};

enum { FORM_SECRET_MAX = 640 };

struct rand_source;
/* Seals a secret, bound to that context: it opens in no other document.
 * 0, -EINVAL or -EBADMSG: then out is "". */
int form_secret_seal(char out[FORM_SECRET_MAX], struct bytes context, struct bytes secret,
		     const struct seal_key *key, struct rand_source *rand) NODISCARD;
int form_secret_open(char *out, size_t cap, struct bytes context, const char *sealed,
		     const struct seal_key *key) NODISCARD;

/* Of values of a type, with its member changed_utc_ms. */
#define FORM_OF(type) .size = sizeof(type), .changed = offsetof(type, changed_utc_ms)

/* Zeroed, and begun. */
void form_start(const struct form *f, void *value, struct bytes name);
uint64_t *form_changed(const struct form *f, void *value);
/* New references, NULL: out of memory. The document has its version, too. */
json_t *form_view(const struct form *f, const void *value);
/* In such a view, as roles below administrator have it: of its URLs scheme, host and port, and
 * nothing that is guarded. */
void form_urls_hide(const struct form *f, json_t *json, const void *value);
json_t *form_document(const struct form *f, const void *value);
/* 0, -EBADMSG or -EPROTONOSUPPORT with a reason, -ENOMEM: then value is unchanged. Unknown members
 * are ignored, missing ones keep their initial values. */
int form_read(const struct form *f, void *value, struct bytes json, const char **reason) NODISCARD;

/* A given value: an argument of a command, by jansson, or a member of a document,
 * mostly without a tree (base/flat.h). */

enum given_kind {
	GIVEN_NOTHING,
	GIVEN_TEXT,
	GIVEN_NUMBER, /* whole */
	GIVEN_FALSE,
	GIVEN_TRUE,
	GIVEN_LIST,
	GIVEN_OTHER, /* not accepted anywhere */
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
/* The i-th item of a list, in order. kind is GIVEN_TEXT, or it is no text. */
struct given given_next(struct given *list, size_t i);

/* ---- members of documents: people write into Redis by hand, so every type is checked ---- */

/* A document of a higher version (its member v) is of a later program: this one must not use it. */
enum { DOCUMENT_NAME_MAX = 64, DOCUMENT_FORMAT = 1 };

/* json with the version of a document's form. Steals it; NULL: out of memory. */
json_t *document_versioned(json_t *json);

/* Adds the time of change. Steals json; NULL: out of memory. */
json_t *document_shown(json_t *json, uint64_t changed_utc_ms);

/* What is wrong with a text that may be empty, flow:NAME or a number; NULL: nothing. value:
 * unused. */
const char *field_flow_or_number_wrong(const void *value, const char *text);
/* What is wrong with a text that may be empty, or names a file of sounds. As above. */
const char *field_music_wrong(const void *value, const char *text);

/* Reads members; remembers the first error, and changes nothing afterwards. */
struct document_reader {
	struct flat *flat; /* NULL: it cannot be flat, and a tree is used */
	const json_t *json;
	const char *wrong;          /* NULL: none yet */
	const struct seal_key *key; /* of its secrets; NULL: it has none */
	const struct form *form;    /* NULL: it has none */
};

struct given document_member(const struct document_reader *r, const char *name);

/* Required, and must fit. */
void document_text(struct document_reader *r, const char *member, char *out, size_t cap);
/* Notes another error of it. */
void document_refuse(struct document_reader *r, const char *member);
uint64_t document_changed(const struct document_reader *r);

/* Parses, then fill reads the members into a zeroed value of that size. As form_read. */
typedef void document_fill_fn(struct document_reader *r, void *value);
int document_read(struct bytes text, const struct seal_key *key, document_fill_fn *fill,
		  void *value, size_t size, const char **reason) NODISCARD;

#endif
