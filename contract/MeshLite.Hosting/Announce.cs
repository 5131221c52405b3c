using System.Net;
using System.Text.Json;

namespace MeshLite.Hosting;

/// <summary>
/// Tells on standard output, one JSON line an event, where a process listens and when it is ready: the
/// interface by which scripts start the programs on port 0. Thread-safe (one write a line).
/// </summary>
public static class Announce
{
    /// <summary><c>{"event":"listening","name":"outbound","address":"127.0.0.1:41234"}</c></summary>
    public static void Listening(string name, IPEndPoint address) =>
        WriteLine($$"""{"event":"listening","name":"{{JsonEncodedText.Encode(name)}}","address":"{{address}}"}""");

    /// <summary><c>{"event":"ready"}</c></summary>
    public static void Ready() => WriteLine("""{"event":"ready"}""");

    private static void WriteLine(string line) => Console.Out.Write(line + "\n");
}
