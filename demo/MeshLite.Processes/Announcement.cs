using System.Net;
using System.Text.Json;

namespace MeshLite.Processes;

/// <summary>
/// A line by which a program says where it listens, <c>{"event":"listening","name":…,"address":…}</c>, or that it is
/// ready, <c>{"event":"ready"}</c> (design §7). Other lines are its log.
/// </summary>
internal readonly record struct Announcement(bool Ready, string Name, IPEndPoint? Address)
{
    public static bool TryParse(string line, out Announcement announcement)
    {
        announcement = default;
        if (!line.StartsWith("{\"event\":", StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            switch (root.GetProperty("event").GetString())
            {
                case "ready":
                    announcement = new Announcement(true, "", null);
                    return true;
                case "listening":
                    var address = IPEndPoint.Parse(root.GetProperty("address").GetString()!);
                    announcement = new Announcement(false, root.GetProperty("name").GetString()!, address);
                    return true;
                default:
                    return false;
            }
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or ArgumentNullException)
        {
            return false;
        }
    }
}
