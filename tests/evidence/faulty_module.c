/*
 * A PKCS#11 module that is SoftHSM, except for what a file tells it to do wrong: a token that locks
 * itself, a signature that is bad, a session or a device that goes away. SoftHSM does none of these
 * on request, and real tokens do all of them.
 *
 * ATO_TEST_MODULE is the real module. ATO_TEST_FAULTS names a file of lines "function count code":
 * the next `count` calls of that function return `code` (hexadecimal), or spoil the signature where
 * the code is 0. ATO_TEST_CALLS names a file that gets a letter for each call.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long word;
typedef word (*call_login)(word, word, unsigned char *, word);
typedef word (*call_sign)(word, unsigned char *, word, unsigned char *, word *);
typedef word (*call_list)(void **);
typedef word (*call_initialize)(void *);

/* CK_FUNCTION_LIST of 2.40: a version, then 68 functions. */
struct functions {
	unsigned char version[8];
	void *function[68];
};
enum { INITIALIZE = 0, FINALIZE = 1, LOGIN = 18, SIGN = 43 };
#define ALREADY_INITIALIZED 0x191

static struct functions list, *real;

static int fault(const char *name, word *code)
{
	const char *path = getenv("ATO_TEST_FAULTS");
	char lines[16][64], function[32];
	int count, number = 0, found = 0;
	FILE *file = path ? fopen(path, "r") : NULL;

	if (!file)
		return 0;
	while (number < 16 && fgets(lines[number], sizeof(lines[0]), file))
		number++;
	fclose(file);
	file = fopen(path, "w");
	for (int i = 0; i < number; i++) {
		word value;

		if (sscanf(lines[i], "%31s %d %lx", function, &count, &value) != 3)
			continue;
		if (!found && count > 0 && !strcmp(function, name)) {
			found = 1;
			count--;
			*code = value;
		}
		fprintf(file, "%s %d %lx\n", function, count, value);
	}
	fclose(file);
	return found;
}

static void note(char letter)
{
	const char *path = getenv("ATO_TEST_CALLS");
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	fputc(letter, file);
	fclose(file);
}

static word login(word session, word user, unsigned char *pin, word length)
{
	word code;

	note('L');
	if (fault("login", &code))
		return code;
	return ((call_login)real->function[LOGIN])(session, user, pin, length);
}

static word sign(word session, unsigned char *data, word size, unsigned char *out, word *length)
{
	word code, result;

	if (!out)
		return ((call_sign)real->function[SIGN])(session, data, size, out, length);
	note('S');
	if (fault("sign", &code)) {
		if (code)
			return code;
		result = ((call_sign)real->function[SIGN])(session, data, size, out, length);
		out[5] ^= 1;
		return result;
	}
	return ((call_sign)real->function[SIGN])(session, data, size, out, length);
}

/* The test process uses the real module, too, under its own name. */
static word initialize(void *arguments)
{
	word result = ((call_initialize)real->function[INITIALIZE])(arguments);

	return result == ALREADY_INITIALIZED ? 0 : result;
}

static word finalize(void *reserved)
{
	return reserved ? 7 : 0; /* CKR_ARGUMENTS_BAD */
}

word C_GetFunctionList(void **out)
{
	void *library = dlopen(getenv("ATO_TEST_MODULE"), RTLD_NOW | RTLD_LOCAL);
	call_list get = library ? (call_list)dlsym(library, "C_GetFunctionList") : NULL;

	if (!get || get((void **)&real))
		return 5; /* CKR_GENERAL_ERROR */
	list = *real;
	list.function[INITIALIZE] = initialize;
	list.function[FINALIZE] = finalize;
	list.function[LOGIN] = login;
	list.function[SIGN] = sign;
	*out = &list;
	return 0;
}
