/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tandemctl: options, the choice between a command of the table and a verb of its own, and the
 * output of answers as tables, CSV or JSON. Verbs such as apply, backup or listen are in other
 * files of this folder. The table is compiled in, so arguments are checked and help works without a
 * node; exit statuses are those of ctl.h, for scripts.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/ctl/ctl.h"
#include "app/ctl/ctl_table.h"
#include "app/schema/feature.h"
#include "base/log.h"

void ctl_complain(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("tandemctl: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

enum { CALL_WORD = 64, LADDER_MESSAGES = 500 };

struct options {
	const char *config, *redis, *tenant, *role;
	bool json, wide; /* wide: tables have all columns */
	bool csv;        /* RFC 4180 */
	bool ladder;     /* "sip CALL": sip.recent of a call, as a ladder */
	bool yes;        /* what is deleted is not asked for once more */
	bool doctor;     /* "doctor CALL": call.doctor, told in words */
	bool svg;        /* of flow.graph */
	int first;       /* of the words behind the options */
};

/* Place of an option's value; NULL: no such option. */
static const char **option_of(struct options *o, const char *word)
{
	const struct {
		const char *name, **value;
	} all[] = { { "--config", &o->config },
		    { "--redis", &o->redis },
		    { "--tenant", &o->tenant },
		    { "--role", &o->role } };

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (!strcmp(word, all[i].name))
			return all[i].value;
	}
	return NULL;
}

static bool role_is_fine(const struct options *o)
{
	for (size_t i = 0; o->role && o->tenant && g_command_roles[i]; i++) {
		if (!strcmp(o->role, g_command_roles[i]))
			return true;
	}
	if (o->role)
		ctl_complain("--role is reader, application or admin, of a --tenant");
	return !o->role;
}

/* Of the result: -o wide, -o json, -o csv. */
static bool output_read(struct options *o, const char *word)
{
	o->wide |= !strcmp(word, "wide");
	o->json |= !strcmp(word, "json");
	o->csv |= !strcmp(word, "csv");
	return !strcmp(word, "wide") || !strcmp(word, "json") || !strcmp(word, "csv");
}

/* The same behind a command. How many words stay. */
static int options_read_forms(struct options *o, int argc, char **argv)
{
	int kept = o->first + 1;

	for (int i = kept; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			o->json = true;
		else if (!strcmp(argv[i], "--yes"))
			o->yes = true;
		else if (!strcmp(argv[i], "-o") && i + 1 < argc && output_read(o, argv[i + 1]))
			i++;
		else
			argv[kept++] = argv[i];
	}
	return kept;
}

static bool main_options_read(struct options *o, int argc, char **argv)
{
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		const char **value = option_of(o, argv[i]);

		if (!strcmp(argv[i], "--json")) {
			o->json = true;
		} else if (!strcmp(argv[i], "--yes")) {
			o->yes = true;
		} else if (!strcmp(argv[i], "-o") && i + 1 < argc && output_read(o, argv[i + 1])) {
			i++;
		} else if (value && i + 1 < argc) {
			*value = argv[++i];
		} else {
			ctl_complain("what is '%s'? See tandemctl help", argv[i]);
			return false;
		}
	}
	o->first = i;
	return role_is_fine(o);
}

static void table_print(const json_t *result, bool wide, const char *columns)
{
	static char text[1 << 20];
	struct writer w = writer_over(text, sizeof(text));

	ctl_table_write(&w, result, wide ? CTL_TABLE_WIDE : CTL_TABLE_COLUMNS, columns);
	(void)fwrite(text, 1, w.n, stdout);
	if (w.overflow)
		ctl_complain("the rest is too long to be shown: use --json");
}

/* Says what is missing from the rows. */
static void more_print(const json_t *answer)
{
	const char *next = json_string_value(json_object_get(answer, "next"));
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(answer, "missing"), i, name) ctl_complain(
		"without what node %s has: it does not answer", json_string_value(name));
	if (next)
		ctl_complain("there are more: cursor=%s", next);
}

/* The result alone, for people; or the whole answer on one line, for programs. */
static int answer_print(const json_t *answer, const struct options *o,
			const struct command *command)
{
	const json_t *error = json_object_get(answer, "error"),
		     *result = json_object_get(answer, "result");
	int status = ctl_status(answer);
	bool ok = status == CTL_DONE;

	if (o->json) {
		(void)json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
		(void)putchar('\n');
	} else if (ok && o->doctor) {
		ctl_doctor_print(result);
	} else if (ok && o->csv && (json_is_array(result) || json_is_object(result))) {
		ctl_csv_write(stdout, result);
		more_print(answer);
	} else if (ok && !strcmp(command->name, "sip.recent")) {
		if (o->ladder)
			ctl_ladder_print(result);
		else
			ctl_recent_print(result);
	} else if (ok && !strcmp(command->name, "flow.try")) {
		ctl_flow_way_print(result);
	} else if (ok && !strcmp(command->name, "flow.graph")) {
		status = ctl_graph_print(bytes_str(json_string_value(result)), o->svg);
	} else if (ok && json_is_string(result)) {
		(void)puts(json_string_value(result));
	} else if (ok) {
		bool quality = !o->wide && !strcmp(command->name, "cdr.list");
		json_t *rows = quality ? ctl_quality_rows(result) : NULL;

		table_print(rows ? rows : result, o->wide, rows ? NULL : command->columns);
		json_decref(rows);
		if (rows && json_array_size(result))
			(void)puts("loss, jitter and MOS: of what a sent, and b; all columns: -o "
				   "wide");
		more_print(answer);
	} else {
		ctl_complain("%s: %s", json_string_value(json_object_get(error, "code")),
			     json_string_value(json_object_get(error, "message")));
	}
	return status;
}

/* A password does not leave this program unhashed. False: complained. */
static bool password_hash(const struct ctl_target *target, json_t *args)
{
	json_t *none, *answer;
	const char *realm;
	bool fine;

	if (!ctl_has_password(args))
		return true;
	if (ctl_realm(args))
		return ctl_hash_password(args, ctl_realm(args));
	none = json_object();
	if (json_object_get(args, g_command_tenant.name)) /* the realm is the tenant's */
		(void)json_object_set(none, g_command_tenant.name,
				      json_object_get(args, g_command_tenant.name));
	answer = ctl_send(target, "tenant.status", none);
	realm = json_string_value(json_object_get(json_object_get(answer, "result"), "realm"));
	fine = realm && ctl_hash_password(args, realm);
	if (answer && !fine)
		ctl_complain("the node does not say the realm over which passwords are hashed");
	json_decref(answer);
	json_decref(none);
	return fine;
}

static bool target_find(struct ctl_target *target, const struct options *o)
{
	if (!ctl_target_find(target, o->config, o->redis))
		return false;
	target->tenant = o->tenant;
	target->role = o->role;
	return true;
}

static int ctl_command_send(const struct options *o, const struct command *command, json_t *args)
{
	struct ctl_target target;
	json_t *answer = NULL;
	int status = CTL_NO_ANSWER;

	if (!target_find(&target, o))
		status = CTL_USAGE;
	else if (password_hash(&target, args))
		answer = ctl_send(&target, command->name, args);
	if (answer)
		status = answer_print(answer, o, command);
	json_decref(answer);
	explicit_bzero(&target, sizeof(target));
	return status;
}

static int trace(const struct options *o, int argc, char **argv)
{
	struct ctl_target target;

	if (!target_find(&target, o))
		return CTL_USAGE;
	return ctl_trace(&target, argc - o->first - 1, argv + o->first + 1);
}

static int documents(const struct options *o, int argc, char **argv)
{
	struct ctl_target target = { 0 };
	int status;

	/* explain asks nobody */
	if (strcmp(argv[o->first], "explain") != 0 && !target_find(&target, o))
		return CTL_USAGE;
	status = ctl_set(&target, argv[o->first], argc - o->first - 1, argv + o->first + 1);
	explicit_bzero(&target, sizeof(target));
	return status;
}

static int backup(const struct options *o, int argc, char **argv)
{
	struct ctl_target target;
	int status;

	if (!target_find(&target, o))
		return CTL_USAGE;
	status = ctl_backup(&target, argv[o->first], argc - o->first - 1, argv + o->first + 1);
	explicit_bzero(&target, sizeof(target));
	return status;
}

/* "doctor CALL" is call.doctor call=CALL, and "sip CALL" sip.recent call=CALL. */
static void doctor_read(struct options *o, int argc, char **argv, char call[CALL_WORD])
{
	static char doctor[] = "call.doctor", recent[] = "sip.recent";
	char **id = &argv[o->first + 1];

	o->doctor = !strcmp(argv[o->first], "doctor");
	o->ladder = !strcmp(argv[o->first], "sip");
	if (!o->doctor && !o->ladder)
		return;
	argv[o->first] = o->doctor ? doctor : recent;
	if (o->first + 1 >= argc || strchr(*id, '='))
		return;
	(void)snprintf(call, CALL_WORD, "call=%s", *id);
	*id = call;
}

/* At a terminal a deletion is confirmed, as it cannot be undone (FEATURES MGT-02); a script is not
 * asked. words: the command's own. */
static bool delete_is_meant(const struct options *o, const struct command *command, int words,
			    char **argv)
{
	const char *dot = strrchr(command->name, '.');
	char line[8];

	if (o->yes || o->json || !dot || strcmp(dot, ".delete") != 0 || !isatty(STDIN_FILENO) ||
	    !isatty(STDERR_FILENO))
		return true;
	(void)fprintf(stderr, "Delete: %s", command->name);
	for (int i = 0; i < words; i++)
		(void)fprintf(stderr, " %s", argv[i]);
	(void)fputs(" [y/N]? ", stderr);
	if (fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y'))
		return true;
	ctl_complain("nothing was deleted; --yes asks nobody");
	return false;
}

static int ctl_run(struct options *o, int argc, char **argv)
{
	const struct command *command;
	char call[CALL_WORD];
	json_t *args;
	int status;

	doctor_read(o, argc, argv, call);
	command = command_find(bytes_str(argv[o->first]));
	if (!command) {
		ctl_command_unknown(argv[o->first]);
		return CTL_USAGE;
	}
	argc = options_read_forms(o, argc, argv);
	if (!strcmp(command->name, "flow.graph"))
		argc = o->first + ctl_graph_format(argc - o->first, argv + o->first, &o->svg);
	args = ctl_args(command, argc - o->first - 1, argv + o->first + 1);
	if (!args)
		return CTL_USAGE;
	if (delete_is_meant(o, command, argc - o->first - 1, argv + o->first + 1))
		status = ctl_command_send(o, command, args);
	else
		status = CTL_USAGE;
	json_decref(args);
	return status;
}

/* Anywhere in the line: people put it anywhere. */
static bool help_is_wanted(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	}
	return false;
}

/* The first word that is no option, nor the value of one; NULL: all is meant. */
static const char *help_word(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			return strcmp(argv[i], "help") ? argv[i] : argv[i + 1];
		i += option_of(o, argv[i]) != NULL;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };

	g_ctl_version = TANDEM_VERSION;
	log_setup(STDERR_FILENO, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	features_settings_add();
	if (help_is_wanted(argc, argv))
		return ctl_help(help_word(&o, argc, argv));
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		(void)printf("tandemctl %s\n", TANDEM_VERSION);
		return CTL_DONE;
	}
	if (!main_options_read(&o, argc, argv))
		return CTL_USAGE;
	if (o.first >= argc) {
		(void)ctl_help(NULL);
		return CTL_USAGE;
	}
	/* the own table says the same as a node's, which programs may ask for */
	if (!strcmp(argv[o.first], "help") && !o.json)
		return ctl_help(argv[o.first + 1]);
	if (!strcmp(argv[o.first], "init"))
		return ctl_init(o.config, argc - o.first - 1, argv + o.first + 1);
	if (!strcmp(argv[o.first], "flow"))
		return ctl_flow(argc - o.first - 1, argv + o.first + 1);
	if (!strcmp(argv[o.first], "listen") || !strcmp(argv[o.first], "trigger"))
		return ctl_listen(argv[o.first], argc - o.first - 1, argv + o.first + 1);
	if (!strcmp(argv[o.first], "trace"))
		return trace(&o, argc, argv);
	if (!strcmp(argv[o.first], "backup") || !strcmp(argv[o.first], "restore"))
		return backup(&o, argc, argv);
	if (ctl_set_is_verb(argv[o.first]))
		return documents(&o, argc, argv);
	return ctl_run(&o, argc, argv);
}
