/* SPDX-License-Identifier: Apache-2.0 */
/* The row of contacts in the list of features, with the commands of books and of a tenant's
 * directory. */

#include "app/archive/contact/contact.h"
#include "app/command/table/table.h"
#include "app/feature/contact/contacts.h"

static const char *const g_formats[] = { "vcard", "csv", NULL };
static const char *const g_export_formats[] = {
	"vcard", "vcard3", "csv", "google", "outlook", NULL
};
static const char *const g_abouts[] = { "contact", "directory", "extension", "me", NULL };

#define USER_ARG                                                                          \
	TEXT_ARG("user", CHARSET_NUMBER, 1, 63, NULL, "The extension that has the book.", \
		 .required = true)
#define CONTACT_ARG                                                                          \
	TEXT_ARG("contact", CHARSET_NAME, 1, CONTACT_ID_MAX - 1, NULL, "Id of the contact.", \
		 .required = true)
#define NAME_ARG(what, text) TEXT_ARG(what, CHARSET_TEXT, 0, CONTACT_NAME_MAX, NULL, text)
#define CONTACT_FIELDS                                                                             \
	NAME_ARG("name", "How it is shown; without it first and last name, or the company."),      \
		NAME_ARG("first_name", "First name."), NAME_ARG("middle_name", "Middle name."),    \
		NAME_ARG("last_name", "Last name."),                                               \
		NAME_ARG("prefix", "In front of the name, such as Dr."),                           \
		NAME_ARG("suffix", "Behind the name."), NAME_ARG("company", "Company."),           \
		TEXT_ARG("department", CHARSET_TEXT, 0, CONTACT_TEXT_MAX, NULL, "Department."),    \
		TEXT_ARG("title", CHARSET_TEXT, 0, CONTACT_TEXT_MAX, NULL, "Job title."),          \
		{ .name = "phones",                                                                \
		  .type = ARG_JSON,                                                                \
		  .help = "Its numbers, 16 at most: a list of number and kind (mobile, landline, " \
			  "work, home, fax, pager or other), or of numbers." },                    \
		{ .name = "emails",                                                                \
		  .type = ARG_JSON,                                                                \
		  .help = "Its mail addresses, 8 at most: a list of address and kind (work, home " \
			  "or other), or of addresses." },                                         \
		NAME_ARG("default_number", "That of its numbers at which it is called."),          \
		NAME_ARG("line", "Number as which the user calls it, where he may be shown as "    \
				 "that (outside_numbers of extension.put)."),                      \
		TEXT_ARG("note", CHARSET_TEXT, 0, CONTACT_NOTE_MAX, NULL,                          \
			 "What its vCard notes. contact.note.add makes notes with their time."),   \
		TEXT_ARG("photo", CHARSET_TEXT, 0, CONTACT_PHOTO_MAX, NULL,                        \
			 "A picture, JPEG or PNG by what it is, of 4096 pixels a side at most: "   \
			 "data:image/jpeg;base64,...; or a link of http or https.")
#define FLAG_ARGS                                                                    \
	BOOL_ARG("favourite", NULL, "It is a favourite."),                           \
		BOOL_ARG("pinned", NULL, "It stays where recent ones are cleared."), \
		BOOL_ARG("blocked", NULL, "Its calls from outside are refused with 603.")
#define REVISION_ARG                                                                        \
	U64_ARG("revision", 0, INT64_MAX, NULL,                                             \
		"Only if the contact has this revision still; 0: only if it is not there. " \
		"conflict: it has another one.")
#define SEARCH_ARG                                                                            \
	TEXT_ARG("search", CHARSET_TEXT, 1, CONTACT_SEARCH_MAX - 1, NULL,                     \
		 "Only those with this text anywhere in a name, company, department, title, " \
		 "mail address or number, in small or large letters, with accents or without.")
#define FORMAT_ARG                                                 \
	ENUM_ARG("format", g_formats, "what the file begins with", \
		 "vcard: versions 3 and 4; csv: with headings of Google, Outlook or our own.")
#define UPLOAD_ARG                                                                               \
	TEXT_ARG("file", CHARSET_TEXT, 1, 4095, NULL,                                            \
		 "Path of a file of at most 1 MiB, which tandemctl opens. By HTTP the file is "  \
		 "the body, with Content-Type: text/vcard or text/csv, and the other arguments " \
		 "are in the query.",                                                            \
		 .opens = true)
#define IMPORTED_ARG                                                                        \
	TEXT_ARG("contact", CHARSET_NAME, 1, CONTACT_ID_MAX - 1, NULL,                      \
		 "Id of the one contact that is in the file: all that it was before goes, " \
		 "but for its flags and its line.")
#define EXPORT_ARGS                                                                        \
	ENUM_ARG("format", g_export_formats, "vcard",                                      \
		 "vcard: version 4; vcard3: version 3; csv: our own headings; google and " \
		 "outlook: theirs, with as many numbers as they have columns."),           \
		TEXT_ARG("after", CHARSET_NAME, 1, CONTACT_ID_MAX - 1, NULL,               \
			 "Go on behind this contact: next of the answer before.")
#define ABOUT_ARG                                                                               \
	ENUM_ARG("about", g_abouts, "contact",                                                  \
		 "What contact is: a contact in the book, one of the directory, the number of " \
		 "an extension, or me: the user.")
#define NOTED_ARG                                                                           \
	TEXT_ARG("contact", CHARSET_NAME, 1, CONTACT_ID_MAX - 1, NULL,                      \
		 "Who the note is about: the id of a contact, or a number, as about says.", \
		 .required = true)
#define NOTE_NUMBER_ARG U64_ARG("note", 1, INT64_MAX, NULL, "Number of the note.", .required = true)
#define NOTE_TEXT(needed)                                                          \
	TEXT_ARG("text", CHARSET_TEXT, 1, CONTACT_TEXT_MAX * 4, NULL, "The text.", \
		 .required = (needed))
#define ARCHIVED_ARG \
	BOOL_ARG("archived", NULL, "true: it is kept, and not counted; false: it counts again.")

static const struct command_arg g_add_args[] = { USER_ARG, CONTACT_FIELDS, FLAG_ARGS, END };
static const struct command_arg g_put_args[] = { CONTACT_ARG, USER_ARG,     CONTACT_FIELDS,
						 FLAG_ARGS,   REVISION_ARG, END };
static const struct command_arg g_one_args[] = { CONTACT_ARG, USER_ARG, END };
static const struct command_arg g_delete_args[] = { CONTACT_ARG, USER_ARG, REVISION_ARG, END };
static const struct command_arg g_list_of_args[] = { USER_ARG, SEARCH_ARG, FLAG_ARGS, END };
static const struct command_arg g_find_args[] = {
	PARTY_ARG("number", CHARSET_TEXT, "The number, however it is written."),
	USER_ARG,
	END,
};
static const char *const g_pin_thens[] = { "hold", "mute", NULL };
static const char *const g_pin_legs[] = { "a", "b", NULL };
static const struct command_arg g_pin_args[] = {
	PARTY_ARG("number", CHARSET_TEXT, "The number, however it is written."),
	USER_ARG,
	BOOL_ARG("pinned", NULL, "false: it is pinned no longer. At first true."),
	ENUM_ARG("then", g_pin_thens, "none",
		 "hold: the call is held by leg; mute: leg is muted. As by call.hold and "
		 "call.mute, which the asker must be allowed."),
	TEXT_ARG("call", CHARSET_ID, 13, 13, "none", "Id of the call, for then.",
		 .place = PLACE_ID),
	ENUM_ARG("leg", g_pin_legs, "none",
		 "Party that holds or is muted, for then: a is the caller, b the other party."),
	END,
};
static const struct command_arg g_import_args[] = { USER_ARG,     UPLOAD_ARG,   FORMAT_ARG,
						    IMPORTED_ARG, REVISION_ARG, END };
static const struct command_arg g_export_args[] = { USER_ARG, EXPORT_ARGS, END };
static const struct command_arg g_note_add_args[] = { NOTED_ARG, USER_ARG, ABOUT_ARG,
						      NOTE_TEXT(true), END };
static const struct command_arg g_note_put_args[] = { NOTED_ARG, NOTE_NUMBER_ARG,  USER_ARG,
						      ABOUT_ARG, NOTE_TEXT(false), ARCHIVED_ARG,
						      END };
static const struct command_arg g_note_args[] = { NOTED_ARG, NOTE_NUMBER_ARG, USER_ARG, ABOUT_ARG,
						  END };
static const struct command_arg g_notes_args[] = { NOTED_ARG, USER_ARG, ABOUT_ARG, END };

static const struct command_arg g_picture_args[] = {
	TEXT_ARG("user", CHARSET_NUMBER, 1, 63, NULL, "The extension.", .required = true), END
};
static const struct command_arg g_picture_put_args[] = {
	TEXT_ARG("user", CHARSET_NUMBER, 1, 63, NULL, "The extension.", .required = true),
	TEXT_ARG("photo", CHARSET_TEXT, 1, CONTACT_PHOTO_MAX, NULL,
		 "The picture: data:image/jpeg;base64,... or data:image/png;base64,...",
		 .required = true),
	END
};

static const struct command_arg g_backup_args[] = {
	TEXT_ARG("after", CHARSET_TEXT, 1, 511, NULL, "next of the page before."), END
};
static const struct command_arg g_restore_args[] = { { .name = "row",
						       .type = ARG_JSON,
						       .required = true,
						       .help = "A row, as contact.backup has it." },
						     END };
static const struct command_arg g_shared_add_args[] = { CONTACT_FIELDS, END };
static const struct command_arg g_shared_put_args[] = { CONTACT_ARG, CONTACT_FIELDS, REVISION_ARG,
							END };
static const struct command_arg g_shared_args[] = { CONTACT_ARG, END };
static const struct command_arg g_shared_delete_args[] = { CONTACT_ARG, REVISION_ARG, END };
static const struct command_arg g_directory_list_args[] = {
	SEARCH_ARG,
	TEXT_ARG("profile", CHARSET_NAME, 1, DIRECTORY_PROFILE_NAME_MAX - 1, NULL,
		 "Only the extensions of that directory profile."),
	END,
};
#define FIELD_OF struct directory_profile
const struct command_arg g_directory_profile_fields[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the profile."),
	TEXT_FIELD("departments", departments, CHARSET_TEXT, NULL,
		   "Departments of its extensions, joined by ';'. Letters may be small or "
		   "large."),
	REFERS_FIELD("extensions", extensions, CHARSET_NUMBERS, NULL, "extension",
		     "Further extensions, joined by ','. With neither of both the profile has all "
		     "extensions."),
	END,
};
static const struct command_arg g_directory_profile_args[] = {
	KEY_FIELD("name", name, CHARSET_NAME, "Name of the profile."),
	END,
};
#undef FIELD_OF

const struct form g_directory_profile_form = { .fields = g_directory_profile_fields,
					       FORM_OF(struct directory_profile) };
static const struct command_arg g_shared_import_args[] = { UPLOAD_ARG, FORMAT_ARG, IMPORTED_ARG,
							   REVISION_ARG, END };
static const struct command_arg g_shared_export_args[] = { EXPORT_ARGS, END };

#define CONTACT_RESULT                                                                         \
	"contact, the members of contact.put that are set, revision (it grows with each "      \
	"change of the book), changed_utc_ms, favourite, pinned, blocked, notes (of the user " \
	"about it, without archived ones); of a vCard also uid, rev, kept (lines that mean "   \
	"nothing here)"
#define IMPORT_RESULT                                                                           \
	"added, changed, failed, errors (a list of at most 20: where, and what is wrong), "     \
	"ignored_columns (headings that mean nothing here), tag (with contact: an entity tag, " \
	"where the contact is written with the lines of the file)"
#define EXPORT_RESULT                                                                          \
	"text (a whole file, with a part of the contacts), contacts (how many), left_out "     \
	"(numbers and addresses that the format has no column for), next (the contact behind " \
	"which the next part begins; absent: that was all)"

static const struct command g_contact_commands[] = {
	{ "contact.add", COMMAND_FOR_APPLICATION, g_add_args,
	  "Makes a contact in the book of an extension. A book has 10,000 contacts at most, that "
	  "of the tenant 20,000, and all of a tenant 200,000.",
	  CONTACT_RESULT, BY(command_contact_put), .own = "user" },
	{ "contact.put", COMMAND_FOR_APPLICATION, g_put_args,
	  "Makes a contact of that id, or changes the given fields. An empty one goes.",
	  CONTACT_RESULT, BY(command_contact_put), .own = "user" },
	{ "contact.get", COMMAND_FOR_READER, g_one_args, "Shows a contact.", CONTACT_RESULT,
	  BY(command_contact_get), .own = "user", .transient = true },
	{ "contact.delete", COMMAND_FOR_APPLICATION, g_delete_args,
	  "Deletes a contact, with the notes about it.", "contact", BY(command_contact_get),
	  .own = "user" },
	{ "contact.list", COMMAND_FOR_READER, g_list_of_args,
	  "Lists the book of an extension by name. sort=number and sort=company order by these.",
	  "a list, as contact.get has it, without photo and what is of vCards alone, and number: "
	  "where it is called",
	  BY(command_contact_list), .own = "user", .columns = "contact,name,company,number",
	  .transient = true,
	  LISTS("contact", NULL, false, "name,number,company,revision,changed_utc_ms") },
	{ "contact.find", COMMAND_FOR_READER, g_find_args,
	  "Finds the contacts with a number: in the book of an extension, and in the directory. "
	  "Numbers are compared in one form, by the dial plan of the tenant (country, area, "
	  "prefixes, "
	  "access), so +1 212 555 0100, 912125550100 and 555-0100 find one contact.",
	  "a list of at most 8, own ones first: book (own or directory), contact, name, company, "
	  "category (CATEGORIES of its vCard), line (of own ones), blocked, number_blocked (any "
	  "contact of the number "
	  "is, "
	  "of the first 100 in each of both books, also one that the list leaves out)",
	  BY(command_contact_find), .own = "user", .transient = true },
	{ "contact.pin", COMMAND_FOR_APPLICATION, g_pin_args,
	  "Pins who has a number, and holds or mutes the call with him. Who is in no contact of "
	  "the user becomes one, with the name that the directory has, or the number.",
	  "the contact, as contact.get has it", BY(command_contact_pin), .own = "user" },
	{ "contact.import", COMMAND_FOR_APPLICATION, g_import_args,
	  "Reads contacts out of a file into the book of an extension. Who reads it again changes "
	  "what is there. A contact that cannot be read costs itself alone.",
	  IMPORT_RESULT, BY(command_contact_import), .own = "user" },
	{ "contact.export", COMMAND_FOR_READER, g_export_args,
	  "Writes the book of an extension as a file, in parts.", EXPORT_RESULT,
	  BY(command_contact_export), .own = "user", .transient = true },
	{ "contact.note.add", COMMAND_FOR_APPLICATION, g_note_add_args,
	  "Makes a note of a user, which is that user's alone: 100 about one at most.",
	  "about, note (its number)", BY(command_contact_note), .own = "user" },
	{ "contact.note.put", COMMAND_FOR_APPLICATION, g_note_put_args,
	  "Changes a note, or archives it. Its time stays.", "about, note",
	  BY(command_contact_note), .own = "user" },
	{ "contact.note.delete", COMMAND_FOR_APPLICATION, g_note_args, "Deletes a note.",
	  "about, note", BY(command_contact_note), .own = "user" },
	{ "contact.note.list", COMMAND_FOR_READER, g_notes_args, "Lists notes.",
	  "a list, the newest first: note, written_utc_ms, archived, text",
	  BY(command_contact_note), .own = "user", .transient = true,
	  LISTS("note", "note", true, "note,written_utc_ms,archived,text") },
	{ "contact.backup", COMMAND_FOR_OPERATOR, g_backup_args,
	  "Shows the contacts of all tenants, pictures of extensions and notes, page by page: for "
	  "tandemctl backup.",
	  "rows, next (where the next page begins; absent: this was the last one)",
	  BY(command_contact_backup), .transient = true },
	{ "contact.restore", COMMAND_FOR_OPERATOR, g_restore_args,
	  "Puts a row as contact.backup has shown it: for tandemctl restore.", "owner",
	  BY(command_contact_restore) },
	{ "directory.list", COMMAND_FOR_READER, g_directory_list_args,
	  "Lists the directory of the tenant, which each of its users sees, by name: its "
	  "extensions, but for those with shown=false, and the contacts of its book. missing says "
	  "archive where the contacts are not known now.",
	  "a list: id, number, name (display_name, else first and last name), first_name, "
	  "last_name, company, department, title, mail; of an extension dids; of a contact "
	  "contact (its id) and phones",
	  BY(command_directory_list), .own = "",
	  .columns = "number,name,company,department,title,mail", .transient = true,
	  LISTS("id", NULL, false,
		"number,name,first_name,last_name,company,department,title,mail,dids,contact") },
	{ "directory.profile.put", COMMAND_FOR_ADMIN, g_directory_profile_fields,
	  "Makes a directory profile, or changes the given fields: which extensions the directory "
	  "of a phone has (directory_profile of device.put). Hidden ones are in none.",
	  "the profile; warnings, of extensions that are not there", BY(document_put),
	  .documents = BY(&g_directory_profile_documents) },
	{ "directory.profile.get", COMMAND_FOR_READER, g_directory_profile_args,
	  "Shows a directory profile.", "changed_utc_ms", BY(document_show),
	  .documents = BY(&g_directory_profile_documents), .shows = g_directory_profile_fields },
	{ "directory.profile.delete", COMMAND_FOR_ADMIN, g_directory_profile_args,
	  "Deletes a directory profile. The directory of a phone that has it is empty then.",
	  "name", BY(document_delete), .documents = BY(&g_directory_profile_documents) },
	{ "directory.profile.list", COMMAND_FOR_READER, g_no_args,
	  "Lists directory profiles by name.", "a list of directory profiles",
	  BY(command_document_list), .documents = BY(&g_directory_profile_documents),
	  .columns = "name,departments,extensions" },
	{ "directory.add", COMMAND_FOR_APPLICATION, g_shared_add_args,
	  "Makes a contact in the directory. Users of an extension with directory_write may.",
	  CONTACT_RESULT, BY(command_contact_put), .own = "" },
	{ "directory.put", COMMAND_FOR_APPLICATION, g_shared_put_args,
	  "Makes a contact of that id in the directory, or changes the given fields.",
	  CONTACT_RESULT, BY(command_contact_put), .own = "" },
	{ "directory.get", COMMAND_FOR_READER, g_shared_args, "Shows a contact of the directory.",
	  CONTACT_RESULT, BY(command_contact_get), .own = "", .transient = true },
	{ "directory.delete", COMMAND_FOR_APPLICATION, g_shared_delete_args,
	  "Deletes a contact of the directory, with all notes about it.", "contact",
	  BY(command_contact_get), .own = "" },
	{ "directory.import", COMMAND_FOR_APPLICATION, g_shared_import_args,
	  "Reads contacts out of a file into the directory, as contact.import does.", IMPORT_RESULT,
	  BY(command_contact_import), .own = "" },
	{ "directory.export", COMMAND_FOR_READER, g_shared_export_args,
	  "Writes the contacts of the directory as a file, in parts.", EXPORT_RESULT,
	  BY(command_contact_export), .own = "", .transient = true },
	{ "picture.put", COMMAND_FOR_APPLICATION, g_picture_put_args,
	  "Gives an extension a picture, which each user of the tenant sees: JPEG or PNG by what "
	  "it "
	  "is, of 4096 pixels a side at most. It goes when the extension goes, or is no longer "
	  "shown in the directory.",
	  "user", BY(command_contact_picture), .own = "user" },
	{ "picture.get", COMMAND_FOR_READER, g_picture_args,
	  "Shows the picture of an extension. /pictures/colleagues/NUMBER has its octets.",
	  "user, photo (data:image/...;base64,...), revision, changed_utc_ms (of its card)",
	  BY(command_contact_picture), .own = "", .transient = true },
	{ "picture.delete", COMMAND_FOR_APPLICATION, g_picture_args,
	  "Deletes the picture of an extension.", "user", BY(command_contact_picture),
	  .own = "user" },
	{ .name = NULL },
};

static const struct app_page g_contact_pages[] = {
	{ .path = "/dav/",
	  .allow = "GET, PUT, DELETE, PROPFIND, REPORT, MKCOL, PROPPATCH",
	  .reads = "contact.export",
	  .dav = "1, 3, addressbook",
	  .answer = BY(contact_dav_page) },
	{ .path = "/phonebook/",
	  .allow = "GET",
	  .reads = "directory.list",
	  .answer = BY(contact_phone_book) },
	{ .path = "/pictures/",
	  .allow = "GET",
	  .reads = "picture.get",
	  .answer = BY(contact_picture_page) },
	{ .path = "/.well-known/carddav", .allow = "GET, PROPFIND", .moved = "/dav/" },
	{ .path = NULL },
};

const struct app_feature g_contact_feature = {
	.name = "contact",
	.commands = g_contact_commands,
	.documents = KINDS(&g_directory_profile_documents),
	.pages = g_contact_pages,
	.carriers =
		CARRIERS({ contact_on_event, EFFECT_EVENT }, { contact_on_wanted, EFFECT_CONTACT }),
	.second = BY(contact_second),
	.extension = BY(contact_extension),
};
