using MeshLite.ControlPlane.Resources;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// Copies of configuration files as they last were without error, in <c>&lt;data-dir&gt;/last-good</c>: what is in force
/// beside a document that is refused stays in force across a restart of the control plane too. Owned by
/// <see cref="DirectoryState"/>, one thread. Failures are logged and otherwise ignored: the files are a spare.
/// </summary>
internal sealed class LastGoodFiles(string directory, ILogger logger)
{
    /// <summary>Remembers a file that was read without error.</summary>
    public void Save(string name, byte[] content) => Try(() =>
    {
        var path = Path.Combine(directory, name);
        if (File.Exists(path) && content.AsSpan().SequenceEqual(File.ReadAllBytes(path)))
        {
            return;
        }

        Directory.CreateDirectory(directory);
        File.WriteAllBytes(path + ".tmp", content);
        File.Move(path + ".tmp", path, overwrite: true);
    });

    /// <summary>Forgets a file that is gone.</summary>
    public void Delete(string name) => Try(() => File.Delete(Path.Combine(directory, name)));

    /// <summary>The valid documents of the remembered file; none where there is none.</summary>
    public IReadOnlyCollection<Resource> Load(string name)
    {
        IReadOnlyCollection<Resource> resources = [];
        Try(() =>
        {
            var path = Path.Combine(directory, name);
            resources = File.Exists(path) ? [.. ConfigFile.Parse(name, File.ReadAllBytes(path)).Good.Values] : [];
        });
        return resources;
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            SourcesLog.LastGoodFailed(logger, directory, problem.Message);
        }
    }
}
