/* SPDX-License-Identifier: Apache-2.0 */
/* Call flows as data: a program of steps, each a verb with arguments and the next step by outcome
 * (docs/flows.md). Text becomes a checked program, or a list of all that is wrong. From a program,
 * a position and the outcome of the last verb follows the next verb. Pure: the caller that carries
 * verbs out has calls, clocks and sockets (ADR 85). One table of verbs yields checks, help and JSON
 * Schema. */
#ifndef SIG_FLOW_PROGRAM_H
#define SIG_FLOW_PROGRAM_H

#include <jansson.h>

#include "base/schema.h"

/* ---- the table ---- */

enum {
	PROGRAM_TEXT_MAX = 65536,
	PROGRAM_STEPS_MAX = 500,
	PROGRAM_DEPTH_MAX = 16,
	PROGRAM_VERBS_MAX = 1000,   /* a call may begin between two DTMF digits of its caller */
	PROGRAM_VISITS_MAX = 60000, /* all in all */
	PROGRAM_HASH_LEN = 32,      /* SHA-256 */
	VERB_ARGS_MAX = 16,
	VERB_TEXTS_MAX = 96,  /* of all arguments of a verb */
	VERB_ROOM_MAX = 4096, /* octets of what was put in for names */
	VERB_TEXT_MAX = 1024, /* octets of one of them */
	VARIABLES_MAX = 2048, /* octets of all, with their names */
	VARIABLE_NAME_MAX = 32,
	STEP_NAME_MAX = 64,
	PIECE_WIDTH_MAX = 32,
};

enum arg_type {
	ARG_IS_TEXT,    /* min, max: octets */
	ARG_IS_TEXTS,   /* min, max: how many; one may be written without a list */
	ARG_IS_NUMBER,  /* whole */
	ARG_IS_SECONDS, /* with up to three decimals; min, max and preset: ms */
	ARG_IS_BOOL,
	ARG_IS_WORD, /* one of words */
	ARG_IS_MAP,  /* texts by name; min, max: how many */
};

/* What a text is, once all names in it are replaced. */
enum arg_form {
	FORM_ANY,
	FORM_LINE,     /* without control characters: it stands in a header */
	FORM_NAME,     /* of a document: letters, digits . _ - */
	FORM_ROOM,     /* as FORM_NAME; page:NAME: the room of a paging group */
	FORM_KEYS,     /* 0-9 * # A-D */
	FORM_VARIABLE, /* a-z 0-9 _ */
	FORM_TAG,      /* TAB.FIELD */
	FORM_TARGET,   /* a number, or a SIP URI */
	FORM_URL,      /* http, https, ws or wss */
	FORM_FLOW,     /* flow:NAME */
};

struct verb_arg {
	const char *name;
	uint8_t type, form; /* enum arg_type, enum arg_form; form: of each text */
	bool required;
	uint32_t min, max;
	uint32_t preset;         /* of numbers, and of a word its place */
	const char *preset_text; /* of a text */
	const char *const *words;
	const char *kind; /* of document that the text names */
	const char *help;
};

/* The outcome of a verb. A step may have a branch for each outcome of its verb; without one, `next`
 * is taken, and without that the program ends. */
enum flow_outcome {
	OUTCOME_NEXT,
	OUTCOME_ELSE,
	OUTCOME_TIMEOUT,
	OUTCOME_INVALID,
	OUTCOME_FAILED,
	OUTCOME_BUSY,
	OUTCOME_NO_ANSWER,
	OUTCOME_REJECTED,
	OUTCOME_FULL,
	OUTCOME_NONE,
	OUTCOME_CLOSED,
	FLOW_OUTCOMES,
};
extern const char *const g_flow_outcomes[FLOW_OUTCOMES + 1]; /* NULL behind them */

enum verb_flag {
	VERB_WAITS = 1,   /* for the caller, or for time to pass: but not where it fails at once */
	VERB_DECIDES = 2, /* it has no visible effect: it needs no save */
	VERB_ON = 4,      /* has branches by what came, under `on` */
	VERB_MAIN = 8,    /* the first argument may stand in place of all */
	VERB_VARIABLES = 16, /* the members of its JSON object become variables */
};

struct verb {
	const char *name;
	const struct verb_arg *args;
	uint16_t outcomes; /* 1 << enum flow_outcome */
	uint16_t required; /* those that need a branch, or `next` */
	uint16_t wanted;   /* members that should be there, else a warning */
	uint8_t flags;     /* enum verb_flag */
	const char *help;
};
/* What verbs with VERB_VARIABLES make; ends with NULL. */
extern const char *const g_verb_variables[];
extern const struct verb g_flow_verbs[]; /* the last one has no name */

/* It goes on in another flow: of that name, or the verb's own. */
bool verb_leaves(const struct verb *verb);
const struct verb_arg *verb_arg_find(const struct verb *verb, const char *name);
/* Of a list that ends with NULL: where that is, if it has no such word. */
size_t word_index(const char *const *words, const char *word);

/* Names in braces other than variables. A name that ends in a dot may be followed by anything. */
struct flow_fact {
	const char *name, *help;
};
extern const struct flow_fact g_flow_facts[];
bool fact_is(struct bytes name);

/* The table as Markdown, and as a JSON Schema (draft 2020-12). NULL: no memory. */
void flow_write_reference(struct writer *w);
json_t *flow_schema(void);

bool variable_name_is(struct bytes name);
/* NULL; else what is wrong with a text in which nothing is to be replaced any more. */
const char *form_wrong(enum arg_form form, struct bytes text);
/* Likewise for literal text next to names in braces: an error that no value could repair. */
const char *form_part_wrong(enum arg_form form, struct bytes part);

/* ---- values in URLs ---- */

/* Percent-encoded: it stays where it stands in a path, a query or a fragment. */
void url_write_value(struct writer *w, struct bytes value);
/* Returns NULL, or what is wrong with a text that has names in braces; *name: the one in that part
 * of the URL. */
const char *url_names_wrong(struct bytes text, struct bytes *name);
/* Whether a segment of its path is . or .., as a server may read it. */
bool url_has_dots(struct bytes url);

/* ---- programs ---- */

struct flow_branch {
	const char *key; /* under `on`; NULL: the outcome's own */
	uint16_t outcome, to;
};

struct flow_step {
	const char *name;
	const struct verb *verb;
	json_t *args; /* an object, of the arguments that are given */
	uint16_t first, count;
};

struct flow_program {
	json_t *root; /* as it is written */
	uint8_t hash[PROGRAM_HASH_LEN];
	struct flow_step *steps;
	struct flow_branch *branches;
	uint16_t count, start, branch_count;
};

enum { FLOW_FINDINGS_MAX = 64, FLOW_PATH_MAX = 256, FLOW_MESSAGE_MAX = 256 };

struct flow_finding {
	bool warning;
	char path[FLOW_PATH_MAX]; /* a JSON pointer (RFC 6901); "": the whole */
	char message[FLOW_MESSAGE_MAX];
};

struct flow_findings {
	struct flow_finding list[FLOW_FINDINGS_MAX];
	uint32_t count;
	uint32_t errors, warnings; /* also those beyond the list */
};

/* Whether a document exists: prompt, hours, number, flow. NULL: unknown. */
struct flow_known {
	bool (*exists)(void *arg, const char *kind, struct bytes name);
	void *arg;
};

/* NULL: there are errors. Warnings alone do not hinder. */
struct flow_program *program_parse(struct bytes text, const struct flow_known *known,
				   struct flow_findings *out);
/* Likewise for a stored text: what an older build allowed is a warning, and its verb fails. */
struct flow_program *program_read(struct bytes text, struct flow_findings *out);
void program_free(struct flow_program *p); /* NULL is fine */

/* JSON that parses to an equal program; the hash is of its compact form. To be freed. Returns NULL
 * without memory. */
char *program_text(const struct flow_program *p, bool compact);

/* The branch that stands there for an outcome, or else `next`; NULL: neither does. */
const struct flow_branch *step_branch(const struct flow_program *p, const struct flow_step *s,
				      enum flow_outcome outcome);

/* Whether that text of an argument is literal when carried out: no names are replaced. */
bool step_text_is_plain(const struct flow_step *s, const char *arg, size_t i);

/* The next piece of a text: octets as they stand, or a name in braces. "{{" stands for a brace. */
enum text_piece {
	PIECE_END,
	PIECE_LITERAL,
	PIECE_NAME,
	PIECE_WRONG, /* a brace without an end, or what is no name */
};
enum text_piece text_piece_cut(struct bytes *rest, struct bytes *out);
/* Of a name in braces without its width, as 8 in "digits:8"; 0: none. Empty: that is wrong. */
struct bytes piece_name(struct bytes piece, uint32_t *width);

/* ---- what happens ---- */

/* Where a call is in a program: saved before what others can observe. */
struct flow_position {
	uint8_t program[PROGRAM_HASH_LEN];
	uint16_t step;
	uint16_t visit; /* verbs that were begun: what is done more than once has the same one */
	uint16_t keyed; /* visit at the caller's last digit */
	uint8_t tries;  /* of gather: how often the caller was asked in vain */
	/* name NUL value NUL, one behind the other; together VARIABLES_MAX octets at most */
	struct text variables, secrets;
};
extern const struct schema position_rows[];
void position_clear(struct flow_position *pos);
/* Empty if not set. */
struct bytes variable_get(const struct flow_position *pos, struct bytes name, bool *secret);
/* An empty value deletes it. Returns 0, -EINVAL (invalid name or text), -ENOSPC or -ENOMEM; nothing
 * is changed then. */
int variable_set(struct flow_position *pos, struct bytes name, struct bytes value,
		 bool secret) NODISCARD;

/* What a program may ask about the call. */
struct flow_world {
	/* One of g_flow_facts; writes nothing if it is unknown. */
	void (*fact)(void *arg, struct bytes name, struct writer *w);
	/* The state of a calendar: open, or a word such as closed or holiday; writes nothing for an
	 * unknown calendar. */
	void (*hours)(void *arg, struct bytes name, struct writer *w);
	bool (*tag)(void *arg, struct bytes name, struct bytes value); /* false: it cannot be set */
	/* A step is left: by a key of `on` ("***": of a secret), or an outcome. For tracing the
	 * path of a call; NULL: none. */
	void (*left)(void *arg, const struct flow_step *step, const char *by);
	void *arg;
};

/* A verb that is to be carried out. Texts are good as long as it and its program are. */
struct flow_verb {
	const struct verb *verb;
	const struct flow_step *step;
	uint16_t visit;
	uint8_t tries;
	bool secret; /* an argument has a secret: no log, no event */
	struct flow_value {
		bool given;
		uint8_t first, count; /* of texts; of a map names and values in turn */
		uint32_t number;      /* also ms, true, and the place of a word */
	} values[VERB_ARGS_MAX];
	struct bytes texts[VERB_TEXTS_MAX];
	bool secrets[VERB_TEXTS_MAX];
	uint8_t count;
	size_t room_n;
	uint8_t room[VERB_ROOM_MAX];
};
/* Of an argument the verb has: what is given, or the preset. */
const struct flow_value *verb_value(const struct flow_verb *v, const char *arg);
struct bytes verb_text(const struct flow_verb *v, const char *arg);

/* As JSON, for events; secrets are not shown. */
void verb_write(struct writer *w, const struct flow_verb *v);

enum flow_turn {
	/* to be carried out; if it leaves, program_start of another program or OUTCOME_FAILED
	 * follows */
	FLOW_VERB,
	FLOW_OVER, /* the program has no more to say: the call ends */
	/* PROGRAM_VERBS_MAX, or PROGRAM_VISITS_MAX, were begun: the call is refused */
	FLOW_TOO_MANY,
	FLOW_ASTRAY, /* the position is not of this program */
};

/* The first verb of a program. A position from another program keeps its variables and visits. */
enum flow_turn program_start(const struct flow_program *p, struct flow_position *pos,
			     const struct flow_world *world, struct flow_verb *out);
/* The verb at the position with newly computed values: it is about to begin, here or in another
 * process. Returns false if they are invalid. */
bool program_verb(const struct flow_program *p, struct flow_position *pos,
		  const struct flow_world *world, struct flow_verb *out);
/* The verb after the one at the position, by its outcome. value: digits of gather, the name of a
 * recording, the JSON response of http. */
enum flow_turn program_next(const struct flow_program *p, struct flow_position *pos,
			    enum flow_outcome outcome, struct bytes value,
			    const struct flow_world *world, struct flow_verb *out);

#endif
