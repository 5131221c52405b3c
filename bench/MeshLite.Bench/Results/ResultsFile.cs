using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshLite.Bench.Results;

/// <summary>Writes and reads results.json.</summary>
internal static class ResultsFile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void Write(string file, RunResult result)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, JsonSerializer.Serialize(result, Json) + "\n");
    }

    public static RunResult Read(string file) =>
        JsonSerializer.Deserialize<RunResult>(File.ReadAllText(file), Json) ?? throw new JsonException($"{file} is empty");
}
