/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "app/ctl.h"

static const char g_usage[] =
	"usage: tandemctl init --dir DIR [--names NAME,...] [--bind ADDRESS [--advertise ADDRESS]\n"
	"                      | --network NAME=ADDRESS[/ADVERTISED]...] [--sip-ports 5060,10060]\n"
	"                      [--tcp-ports 5060,10060|none] [--tls-ports 5061|none]\n"
	"                      [--media-ports 12000-31999] [--http ADDRESS:PORT] [--name NAME]\n"
	"                      [--shard N] [--trusted PREFIX,...]\n"
	"       tandemctl init --config FILE [--names NAME,...]\n"
	"           makes what a first start needs and is missing; what is there stays:\n"
	"           DIR/tandem.yaml, and in its node.state_dir (DIR) the files keys and tls, an\n"
	"           authority of its own and a certificate; phones trust tls/ca.pem\n"
	"           --names: what else phones call the node, for the certificate\n"
	"           with --sip-ports alone TCP has the same numbers, and TLS is off\n"
	"       tandemctl [--config FILE|--redis URL] [--json] COMMAND [key=value...]\n"
	"           one command on the running node; prints its result as JSON\n"
	"           the node is found by its Redis: --redis, or redis.url or node.state_dir of\n"
	"           FILE; without either TANDEM_CONFIG names FILE, else it is\n"
	"           /var/lib/tandem/tandem.yaml or /etc/tandem/tandem.yaml\n"
	"           --json: the whole answer on one line, errors too\n"
	"           a secret is given as key=- and read from standard input\n"
	"       tandemctl [--config FILE|--redis URL] trace CALL|from=NUMBER|to=NUMBER\n"
	"                      [-o FILE|-] [--decrypted] [--seconds N] [--octets N]\n"
	"           SIP and media of a call as pcapng, from its dialog so far until it ends, a\n"
	"           limit or an interrupt; from, to: of the next call of that extension, or to it\n"
	"           without -o into call-CALL.pcapng; -: to standard output\n"
	"       tandemctl help [COMMAND|config|api]\n"
	"\n"
	"Exit status: 0 done, 1 refused, 2 wrong usage, 3 no answer from the node.\n"
	"\n"
	"Commands:\n";

static int print(struct writer *w)
{
	return !w->overflow && fwrite(w->p, 1, w->n, stdout) == w->n ? CTL_DONE : CTL_REFUSED;
}

static int print_all(void)
{
	(void)fputs(g_usage, stdout);
	for (const struct command *c = g_commands; c->name; c++)
		(void)printf("  %-20s %s\n", c->name, c->help);
	return CTL_DONE;
}

static void print_arg(const json_t *arg)
{
	const char *preset = json_string_value(json_object_get(arg, "default"));

	(void)printf("  %s (%s, %s%s%s%s)\n      %s\n",
		     json_string_value(json_object_get(arg, "name")),
		     json_string_value(json_object_get(arg, "type")),
		     json_is_true(json_object_get(arg, "required")) ? "required, " : "",
		     json_string_value(json_object_get(arg, "allowed")),
		     preset ? "; default: " : "", preset ? preset : "",
		     json_string_value(json_object_get(arg, "help")));
}

static int print_command(const struct command *command)
{
	json_t *list = command_help_json(command);
	const json_t *one = json_array_get(list, 0), *arg;
	size_t i;

	(void)printf("%s (for: %s)\n  %s\n", command->name,
		     json_string_value(json_object_get(one, "for")), command->help);
	json_array_foreach(json_object_get(one, "arguments"), i, arg) print_arg(arg);
	(void)printf("  Result: %s.\n", command->result);
	json_decref(list);
	return CTL_DONE;
}

int ctl_help(const char *word)
{
	static char text[65536];
	struct writer w = writer_over(text, sizeof(text));
	const struct command *command = word ? command_find(bytes_str(word)) : NULL;

	if (!word)
		return print_all();
	if (bytes_is(bytes_str(word), "config")) {
		settings_write_reference(&w);
		return print(&w);
	}
	if (bytes_is(bytes_str(word), "api")) {
		command_write_reference(&w);
		return print(&w);
	}
	if (command)
		return print_command(command);
	ctl_complain("there is no command '%s'; see tandemctl help", word);
	return CTL_USAGE;
}
