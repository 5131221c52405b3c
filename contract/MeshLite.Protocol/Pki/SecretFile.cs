using System.Runtime.InteropServices;
using System.Text;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// Files only their owner may read, written so that a reader or a crash never sees half of one. Unix only.
/// </summary>
public static partial class SecretFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>EEXIST of link(2).</summary>
    private const int Exists = 17;

    /// <summary>Makes a directory (mode 0700) and its parents where they are missing; an existing one keeps its mode.</summary>
    public static void CreateDirectory(string path) => Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);

    /// <summary>Makes the file with this content, mode 0600, in one step; false where it exists already (whoever made it).</summary>
    public static bool TryCreate(string path, string content)
    {
        var temporary = WriteTemporary(path, content);
        try
        {
            // link(2) fails where the target exists, so that of two processes that start at once exactly one wins.
            if (Link(temporary, path) == 0)
            {
                return true;
            }

            if (Marshal.GetLastPInvokeError() == Exists)
            {
                return false;
            }

            // A file system without hard links; or an error, that this names. It looks before it renames: two that look at once both win.
            File.Move(temporary, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Makes or replaces the file, mode 0600, in one step (rename).</summary>
    public static void Replace(string path, string content)
    {
        var temporary = WriteTemporary(path, content);
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string path);

    private static string WriteTemporary(string path, string content)
    {
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        using var file = new FileStream(temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        });
        file.Write(Encoding.UTF8.GetBytes(content));
        file.Flush(flushToDisk: true);
        return temporary;
    }
}
