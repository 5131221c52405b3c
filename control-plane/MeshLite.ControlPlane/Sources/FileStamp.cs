namespace MeshLite.ControlPlane.Sources;

/// <summary>What tells that a file has changed without reading it. Of what a symbolic link leads to (mounted ConfigMaps).</summary>
internal readonly record struct FileStamp(DateTime WrittenAt, long Length)
{
    /// <summary>Null: there is nothing to be read there (any more).</summary>
    public static FileStamp? Of(string path)
    {
        try
        {
            var file = new FileInfo(path);
            var target = file.LinkTarget is null ? file : file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
            return target is { Exists: true } ? new FileStamp(target.LastWriteTimeUtc, target.Length) : null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
