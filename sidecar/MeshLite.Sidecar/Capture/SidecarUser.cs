using System.Runtime.InteropServices;
using MeshLite.Hosting;

namespace MeshLite.Sidecar.Capture;

/// <summary>The user a transparent sidecar must run as: under any other the rules would lead what it sends back to it, for ever.</summary>
internal static partial class SidecarUser
{
    /// <summary>Throws <see cref="StartupException"/> where it is another.</summary>
    public static void Check()
    {
        if (GetEffectiveUserId() is var user && user != CaptureOptions.SidecarUid)
        {
            throw StartupException.WrongOption(
                "--transparent", $"needs to run as uid {CaptureOptions.SidecarUid}, this is {user}: what a sidecar of another user sends would be captured too");
        }
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
