/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token of the HTTP API: a document of its tenant, by name. Its text (RFC 6750) is
 * "TENANT~NAME~SECRET", and it has a role's rights. Only the SHA-256 of the secret is stored: the
 * secret is long and random, so no dictionary attack finds it.
 */
#ifndef APP_SCHEMA_TOKEN_FIELD_H
#define APP_SCHEMA_TOKEN_FIELD_H

#include "app/schema/command.h"
#include "app/schema/field.h"
#include "base/rand.h"

enum {
	TOKEN_NAME_MAX = 32,
	TOKEN_HASH_LEN = 32,
	TOKEN_SECRET_LEN = 24,
	TOKEN_COMMANDS_MAX = COMMAND_PATTERNS_MAX,
	TOKEN_WITHOUT_MAX = 64,
	TOKEN_TEXT_MAX = COMMAND_TENANT_MAX + TOKEN_NAME_MAX + 2 * 64,
};

struct token_value {
	char name[TOKEN_NAME_MAX];
	uint8_t role; /* enum command_role */
	char hash[2 * TOKEN_HASH_LEN + 1];
	uint32_t expires_utc_s;            /* 0: never */
	char user[COMMAND_USER_MAX];       /* the extension it acts for; "": no user's */
	char text[TOKEN_TEXT_MAX];         /* its text, while it is new; not saved */
	char commands[TOKEN_COMMANDS_MAX]; /* patterns joined by ','; "": all that the role may */
	/* Members that it does not get in events, joined by ','. */
	char without[TOKEN_WITHOUT_MAX];
	uint64_t changed_utc_ms;
};

/* The right to listen to events, which is no command, as a name of one. */
#define TOKEN_EVENTS "events"

/* The command that is the only pattern of a token in a link. */
#define TOKEN_LINK "login.redeem"

/* Fields common to both commands that make a token. */
#define TOKEN_ROLE                                                                               \
	WORD_FIELD("role", role, FIELD_NUMBER, g_token_roles, "reader",                          \
		   "What it may: a role, and all before it. operator: for operators alone, who " \
		   "may do everything for all tenants.")
#define TOKEN_USER                                                                           \
	GOES_WITH_FIELD(                                                                     \
		"user", user, CHARSET_NUMBER, "extension",                                   \
		"Extension that it is for: its holder may do what the extension's user may " \
		"(For: user), and nothing for another one. role is of no importance then.")
#define TOKEN_LIMITS                                                                            \
	NUMBER_FIELD("expires_utc_s", expires_utc_s, 0, UINT32_MAX, "0",                        \
		     "Seconds since 1970 from when on it is refused. 0: never."),               \
		TEXT_FIELD("commands", commands, CHARSET_NUMBERS, token_commands_wrong,         \
			   "Commands that it may give, of those that its role may, joined by "  \
			   "',': call.list, or call.* for all that begin so; events: it may "   \
			   "listen to them. Empty: all. With any of them it touches no tokens " \
			   "and no sessions, and webhook.put takes events, too."),              \
		TEXT_FIELD("without", without, CHARSET_NUMBERS, NULL,                           \
			   "Fields of events that it does not get, joined by ',': from, "       \
			   "from_name, dnis hide the caller. With commands=events alone.")

const char *token_commands_wrong(const void *value, const char *text);
extern const struct command_arg g_token_fields[];
extern const char *const g_token_roles[]; /* enum command_role */
extern const struct form g_token_form;

/* Whether tokens with these patterns may give that command; "": all. Commands about tokens and
 * sessions are excluded: a limited token would make an unlimited one. A webhook posts events
 * elsewhere: making one needs the right to listen to them. */
bool token_allows(const char *patterns, const char *command);
/* Prefix of names of sessions. */
#define TOKEN_SESSION "session-"
/* ... and of tokens made by a login: they are deleted after they expire. */
#define TOKEN_LOGIN "login-"
/* SHA-256 of the secret. */
void token_hash(uint8_t out[TOKEN_HASH_LEN], struct bytes secret);
/* Makes a new random secret: v->hash, and v->text for the client. */
void token_secret_make(struct token_value *v, const char *tenant, struct rand_source *rand);
/* Splits a token's text. False: malformed. */
bool token_parts(struct bytes text, struct bytes *tenant, struct bytes *name, struct bytes *secret);

#endif
