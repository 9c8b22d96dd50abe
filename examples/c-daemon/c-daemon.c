/* A small HTTP server. It counts its requests in a file, and a second mode of it writes a report of that count. */

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT 256

static const char *setting(const char *name, const char *fallback) {
    const char *value = getenv(name);
    return value && *value ? value : fallback;
}

static const char *in_folder(const char *name) {
    static char path[TEXT];
    snprintf(path, sizeof path, "%s/%s", setting("STATE_DIRECTORY", "/var/lib/c-daemon"), name);
    return path;
}

static long read_count(void) {
    long count = 0;
    FILE *file = fopen(in_folder("requests"), "r");
    if (file) {
        if (fscanf(file, "%ld", &count) != 1) count = 0;
        fclose(file);
    }
    return count;
}

static int write_line(const char *name, const char *form, long count) {
    FILE *file = fopen(in_folder(name), "w");
    if (!file) return perror(in_folder(name)), 1;
    fprintf(file, form, count);
    return fclose(file) ? (perror(name), 1) : 0;
}

/* The value of "KEY=" in the file, without its newline. */
static void read_value(const char *path, const char *key, char *value) {
    char line[TEXT];
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == '=')
            snprintf(value, TEXT, "%.*s", (int)strcspn(line + strlen(key) + 1, "\n"), line + strlen(key) + 1);
    if (file) fclose(file);
}

static void answer(int client, const char *greeting, const char *version, long count) {
    char request[2048], body[2 * TEXT], head[TEXT];
    const char *status = "200 OK";
    ssize_t got = read(client, request, sizeof request - 1);
    if (got <= 0) return;
    request[got] = 0;
    if (!strncmp(request, "GET /health ", 12)) strcpy(body, "ok\n");
    else if (!strncmp(request, "GET /version ", 13)) snprintf(body, sizeof body, "{\"version\": \"%s\"}\n", version);
    else if (!strncmp(request, "GET / ", 6)) snprintf(body, sizeof body, "%s You are number %ld.\n", greeting, count);
    else strcpy(body, "not found\n"), status = "404 Not Found";
    snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, strlen(body));
    if (write(client, head, strlen(head)) < 0 || write(client, body, strlen(body)) < 0) perror("write");
}

static int listening(void) {
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(atoi(setting("PORT", "8000")))};
    int one = 1, server = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, setting("HOST", "127.0.0.1"), &place.sin_addr);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(server, (struct sockaddr *)&place, sizeof place) || listen(server, 64)) {
        perror("listen");
        exit(1);
    }
    return server;
}

static int serve(void) {
    char greeting[TEXT] = "Hello.", version[TEXT] = "unknown";
    long count = read_count();
    int server = listening();
    read_value(setting("C_DAEMON_CONF", "/etc/c-daemon/c-daemon.conf"), "greeting", greeting);
    read_value("/opt/c-daemon/REVISION", "version", version);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int client = accept(server, NULL, NULL);
        if (client < 0 && errno != EINTR) return perror("accept"), 1;
        if (client < 0) continue;
        write_line("requests", "%ld\n", ++count);
        answer(client, greeting, version, count);
        close(client);
    }
}

int main(int argc, char **argv) {
    if (argc == 1) return serve();
    if (!strcmp(argv[1], "report")) return write_line("report", "%ld requests so far\n", read_count());
    printf("usage: c-daemon [report]\n");
    return strcmp(argv[1], "help") ? 2 : 0;
}
