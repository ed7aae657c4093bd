/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of all commands of a node: name, typed arguments with limits, the lowest allowed
 * role, and the handler. The Redis control API, HTTP and tandemctl are doors to it; their help and
 * docs/api.md are generated from it. Results and errors are JSON: {"ok":true,"result":...} or
 * {"ok":false,"error":{"code":...,"argument":...,"message":...}}. Control thread. The rows are in
 * table/, by area.
 */
#ifndef APP_SCHEMA_COMMAND_H
#define APP_SCHEMA_COMMAND_H

#include <jansson.h>

#include "app/schema/field.h"
#include "base/addr.h"
#include "base/bytes.h"
#include "sig/host/refusal.h"

enum {
	COMMAND_ARGS_MAX = 112,
	COMMAND_LIST_MAX = 16,
	COMMAND_ID_MAX = 160,
	COMMAND_TENANT_MAX = 32,
	COMMAND_USER_MAX = 64,
	COMMAND_BY_MAX = 80,
	COMMAND_PATTERNS_MAX = 256, /* of commands that a token allows */
	COMMAND_JSON_MAX = 16384,   /* octets of all arguments, */
	COMMAND_TREE_MAX = 131072   /* of a command that has one of ARG_JSON */
};

/* Roles: each may do what those before it may. All but operators act for one tenant. */
enum command_role {
	COMMAND_FOR_READER,      /* looks at calls, phones, records and settings */
	COMMAND_FOR_APPLICATION, /* makes and changes calls */
	COMMAND_FOR_ADMIN,       /* changes the tenant's documents */
	COMMAND_FOR_OPERATOR,    /* all of the node, and for any tenant */
};
extern const char *const g_command_roles[]; /* of tenants, by their number; ends with NULL */
const char *command_role_name(enum command_role role);

enum command_arg_type {
	ARG_STRING,
	ARG_U64,
	ARG_BOOL,
	ARG_ENUM,
	ARG_SECRET, /* a string that is never repeated: not in errors, not in logs */
	ARG_LIST,   /* different words of names, in the order that is meant */
	ARG_JSON,   /* an object or a list, interpreted by the handler */
};

/* Which characters a string may have. */
enum command_charset {
	CHARSET_TEXT,    /* UTF-8 without control characters */
	CHARSET_NUMBER,  /* 0-9 * # + and letters, digits . _ - of a user part */
	CHARSET_NUMBERS, /* several of them, joined by ',' */
	CHARSET_NAME,    /* letters, digits . _ - */
	CHARSET_ID,      /* 0-9 a-v: a call id */
	CHARSET_DIGITS,  /* 0-9 * # A-D: what a telephone dials */
	CHARSET_IP,      /* an address without port */
	CHARSET_DIALLED, /* CHARSET_NUMBER, or a link to one: tel:, callto: */
	CHARSET_PATTERN, /* a pattern of numbers, or several joined by '|' */
	CHARSET_RANGES,  /* names of ranges of digits, joined by ',' */
	CHARSET_PLACES,  /* names, addresses and networks, with ports, joined by ',' */
	CHARSET_PIN,     /* 4 to 16 digits, or off */
};

/* Which node has the object of an argument:
 * any node that reads the command leaves it to that one (control_pass). */
enum command_place {
	PLACE_ANY,
	PLACE_ID,    /* a call's, or a subscription's: each is of a shard */
	PLACE_TRACE, /* a file, with the id of its call in its name */
	PLACE_NODE,  /* the name of a node */
};

struct command_arg {
	const char *name;
	enum command_arg_type type;
	enum command_charset charset;
	bool required;
	uint64_t min, max; /* ARG_U64: value; ARG_STRING, ARG_SECRET: bytes; ARG_LIST: words */
	const char *const *names; /* ARG_ENUM, ARG_LIST: NULL-terminated */
	const char *const *also;  /* ARG_ENUM: other systems' words, each before ours; or NULL */
	const char *preset;       /* for the help: what an absent argument means */
	const char *help;
	enum command_place place;
	bool opens;         /* the path of a file, which tandemctl opens and hands over */
	struct field field; /* of a document, or an order: where it lies there */
};

/* One argument as checked, where it stays; text points into command_run.args. */
struct command_value {
	bool given;
	struct bytes text; /* ARG_STRING, ARG_SECRET */
	/* ARG_U64, ARG_BOOL (0, 1), ARG_ENUM (index), ARG_LIST (count). Not given: preset, or 0. */
	uint64_t number;
	uint8_t list[COMMAND_LIST_MAX]; /* ARG_LIST: indexes */
	char number_of[64];             /* CHARSET_DIALLED: of a link, where text points then */
	const json_t *json;             /* ARG_JSON */
};

enum command_error_code {
	COMMAND_BAD_REQUEST, /* the envelope, not the command */
	COMMAND_UNKNOWN_COMMAND,
	COMMAND_UNKNOWN_ARGUMENT,
	COMMAND_MISSING_ARGUMENT,
	COMMAND_BAD_ARGUMENT,
	COMMAND_NOT_ALLOWED,
	COMMAND_NOT_FOUND,
	COMMAND_CONFLICT,
	COMMAND_CHANGED,
	COMMAND_FULL,
	COMMAND_NO_SEAT,
	COMMAND_BUSY,
	COMMAND_EXPIRED,
	COMMAND_UNAVAILABLE,
	COMMAND_UNCERTAIN,
	COMMAND_INTERNAL,
	COMMAND_ERROR_CODES,
};
const char *command_error_name(enum command_error_code code);
const char *command_error_help(enum command_error_code code);
unsigned command_error_status(enum command_error_code code);   /* in HTTP */
enum command_error_code command_error_named(const char *name); /* COMMAND_INTERNAL: unknown */
enum command_error_code command_error_of(enum refusal_class class);

struct command_error {
	enum command_error_code code;
	const char *argument; /* constant, or NULL */
	char message[1536];
};

/* Rows of a list that is not of documents, or has more columns than their fields. */
struct command_rows {
	const char *key;     /* the columns that name a row, joined by ',' */
	const char *order;   /* the column that rows are in order of; NULL: their key */
	bool down;           /* the highest first */
	const char *columns; /* joined by ',', all that can be compared */
};

/* What a user has to do with a call. */
enum command_part {
	PART_SPEAKS, /* it is one of the two parties */
	PART_GIVES,  /* or it transfers the call, and the target rings */
	PART_RINGS,  /* its phone rings for the call */
	PART_ANY,
};

/* What an extension may be without; nothing: it needs none of that. */
enum command_needs {
	NEEDS_NOTHING,
	NEEDS_CALL_CONTROL, /* so does each of those below */
	NEEDS_HOLD,
	NEEDS_TRANSFER,
	NEEDS_PARK,
	NEEDS_CONFERENCE,
	NEEDS_RECORD_KEY,
};

struct command_list;
struct command_run;
struct document_kind;
typedef void command_fn(struct command_run *run);

struct command {
	const char *name;
	enum command_role role;         /* the lowest allowed */
	const struct command_arg *args; /* ends with name NULL */
	const char *help;
	const char *result; /* what "result" holds */
	command_fn *fn;
	const struct document_kind *documents; /* fn is document_put or its like: of that kind */
	uint8_t order; /* fn is command_call_order: enum call_order_kind, with the fields of args */
	const struct command_arg *shows; /* "result" begins with these fields; or NULL */
	const char *columns; /* of a list, joined by ',': what a page of tandemctl shows; or NULL */
	const char *off;     /* the command that it becomes with on=false; or NULL */
	/* For users (struct command_principal). NULL: not for users. Else the arguments, joined by
	 * ',', that are the user's own number, or a call that the user is a party of; "": none, and
	 * the handler shows only what is the user's. Argument leg is then the user's leg. */
	const char *own;
	/* Joined by ',': all further arguments that a user may give; NULL: any. */
	const char *own_args;
	bool own_shared; /* that one may also be a mailbox that the user is a member of */
	bool own_peer;   /* argument leg is that of the party that the user speaks with */
	enum command_part own_part; /* the user's in that call */
	enum command_needs needs;   /* of the extension, for its user as for its phones */
	bool by_flow;               /* verbs of flows may give it, in the tenant's name */
	bool of_node;               /* it changes this node: no other one can carry it out */
	bool anyone;                /* HTTP needs no token for it: it is a login */
	bool open;                  /* other arguments of the query are ignored (RFC 6749 4.1.2) */
	bool often;                 /* too frequent for the audit */
	/* It changes nothing, and its result is large: it is not kept by id, it runs again. */
	bool transient;
	const struct command_rows *rows; /* of a list, or NULL */
};

const struct command *command_find(struct bytes name); /* or NULL */
const struct command_arg *command_arg_find(const struct command *command, struct bytes name);
/* How many octets of JSON its arguments may have. */
size_t command_args_max(struct bytes name);

/* Extra argument of each command that changes a document: the version that it must have now. */
extern const struct command_arg g_command_if_version;
bool command_changes_document(const struct command *command);
/* ... and of each command that deletes one: delete it although others name it. */
extern const struct command_arg g_command_force;
/* The one of both that the command takes by that name, or NULL. */
const struct command_arg *command_context_arg(const struct command *command, struct bytes name);
/* The argument that is a file which comes with the command; NULL: none, or no command. */
const struct command_arg *command_file(const struct command *command);
/* NOUN of NOUN.VERB; empty: the command is one word. */
struct bytes command_noun(const struct command *command);
bool command_is_verb(const struct command *command, const char *verb);
/* NULL: no such command. */
const struct command *command_of_noun(struct bytes noun, const char *verb);
/* The command that puts documents of a kind;
 * NULL: none, or it takes a file, or is not for administrators. */
const struct command *command_put_of(const char *kind);

/* Arguments of any command for operators alone: its tenant, its user, its highest role, its token,
 * and that token's patterns of commands. */
extern const struct command_arg g_command_tenant, g_command_as, g_command_as_role,
	g_command_as_token, g_command_as_commands;

/* Rights of a principal: role, user (an extension;
 * "": none), patterns of its token ("": all commands). */
struct command_right {
	enum command_role role;
	const char *user, *patterns;
};
/* Whether that right allows the command; also decides on each document of a set, by its put or
 * delete. False: see *error. */
bool command_may(const struct command *command, const struct command_right *right,
		 struct command_error *error) NODISCARD;

/* All of its characters are in the set. */
bool command_allows(enum command_charset charset, struct bytes text);
/* Checks the value of one argument. 0, or -EINVAL and *error. */
int command_arg_check(const struct command_arg *arg, struct given given,
		      struct command_value *value, struct command_error *error) NODISCARD;
/* Checks args (an object, or NULL: none) against the command. 0, or -EINVAL and *error. */
int command_check(const struct command *command, json_t *args,
		  struct command_value values[COMMAND_ARGS_MAX],
		  struct command_error *error) NODISCARD;

/* Cuts the next own argument of a command off *names, which begins as own. NULL: no further one. */
const struct command_arg *command_own_next(const struct command *command, struct bytes *names);
/* It names a call. */
bool command_arg_is_call(const struct command_arg *arg);
/* Arguments of a user: adds the user's number to args if it is missing.
 * 0, or -EINVAL and *error: not allowed. */
int command_own(const struct command *command, const char *user, json_t *args,
		struct command_error *error) NODISCARD;

/* The answer; owned by the receiver. One with "moved" is no answer: the command continues on
 * another node with those arguments (command_move). */
typedef void command_done_fn(json_t *answer, void *arg);
/* Called with the answer before that is sent. */
typedef void command_ended_fn(struct command_run *run, const json_t *answer);

struct digest_secret;
struct node;

/* A command under way. Handlers end it with command_answer or command_fail, once, now or later. */
struct command_run {
	const struct command *command;
	struct node *node;
	char tenant[COMMAND_TENANT_MAX];
	enum command_role role; /* of the principal */
	/* The extension of the principal: the command is about it alone; "": no user. */
	char user[COMMAND_USER_MAX];
	struct addr source;                  /* of the client; ADDR_NONE: unknown */
	const char *door;                    /* it came by, for the audit, */
	char by[COMMAND_BY_MAX];             /* and its holder there: a token, a client, a phone */
	char patterns[COMMAND_PATTERNS_MAX]; /* of the principal's token (struct command_right) */
	/* Limited to the tenant: the role is a tenant's, or an operator named it. */
	bool of_tenant;
	char id[COMMAND_ID_MAX];   /* of the client, unique among its commands */
	json_t *args;              /* owned */
	json_t *as;                /* further arguments of operators; owned, or NULL */
	json_t *changes;           /* of a document: {field: [before, after]}, owned */
	command_ended_fn *ended;   /* or NULL */
	struct command_list *list; /* of a list (app/schema/list.h), malloc'ed; else NULL */
	struct command_value values[COMMAND_ARGS_MAX];
	uint64_t version; /* of the document that is shown or was put; 0: none */
	int file;         /* 1 + a descriptor that came with it, closed at the end; 0: none */
	void *kept;       /* of its handler, malloc'ed, freed at the end */
	/* goes on where tandem-store has done its part; NULL: its answer is that of the command */
	void (*delivered)(struct command_run *run);
	command_done_fn *done;
	void *arg;
};

/* Ends the run with that answer, as it is. */
void command_end(struct command_run *run, json_t *answer);
/* Ends the run with a result (stolen; NULL: out of memory). */
void command_answer(struct command_run *run, json_t *result);
/* The same with a list of rows made by command_row: long lists make each in its turn, as a thousand
 * at once would take 20 ms. */
void command_answer_rows(struct command_run *run, json_t *rows);
/* The text of a row (stolen), as a string. NULL: out of memory. */
json_t *command_row(json_t *row);
/* The text of an answer (stolen), to be freed. NULL: out of memory. */
char *command_answer_text(json_t *answer);
/* The text of its result alone, which must exist; the answer stays. */
char *command_result_text(const json_t *answer);
void command_fail(struct command_run *run, enum command_error_code code, const char *argument,
		  const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Ends the run here; it continues at the node of that call, which its argument call names. */
void command_move(struct command_run *run, uint64_t call);
json_t *command_error_json(const struct command_error *error);
/* Of the run's command; asserts that it has the argument. */
const struct command_value *command_value(const struct command_run *run, const char *name);

/* Its name is that word, or begins with it and a dot. */
bool command_is_of(const struct command *command, struct bytes word);
/* What "result" holds, in words. */
void command_write_result(struct writer *w, const struct command *command);
/* The table as JSON: all commands, or those of a word. */
json_t *command_help_json(struct bytes word);
/* The commands' part of docs/api.md. */
void command_write_reference(struct writer *w);

/* A text as the argument's type reads it; invalid text stays a string, which the check refuses with
 * the allowed values. people: also words for people, and blanks in lists. NULL: not UTF-8, or not
 * JSON where that is needed. */
json_t *command_arg_json(const struct command_arg *arg, struct bytes text, bool people);
json_t *command_addr_json(const struct addr *a); /* "192.0.2.1:5060", null for ADDR_NONE */
json_t *command_text_json(struct bytes text);    /* bytes that are no UTF-8 become '?' */
json_t *command_call_id_json(uint64_t call);
/* The limit of entries: argument limit, of a command that has it. */
size_t command_limit(const struct command_run *run);
/* The hashes of a password, or ha1, where either is given. False: the run has failed. */
bool command_take_secret(struct command_run *run, const char *user, const char *realm,
			 struct digest_secret *secret, bool *given);

command_fn command_help;

#endif
