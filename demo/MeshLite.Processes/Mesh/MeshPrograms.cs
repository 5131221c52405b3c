namespace MeshLite.Processes.Mesh;

/// <summary>Where the built programs lie: <c>out/</c> of the repository, made by <c>make build</c>. Immutable.</summary>
public sealed record MeshPrograms(string Directory)
{
    /// <summary>The control plane.</summary>
    public string ControlPlane => Path.Combine(Directory, "meshlite-control-plane");

    /// <summary>The sidecar.</summary>
    public string Sidecar => Path.Combine(Directory, "meshlite-sidecar");

    /// <summary>The command line.</summary>
    public string Meshctl => Path.Combine(Directory, "meshctl");

    /// <summary>The repository: the nearest directory above this program that holds MeshLite.sln.</summary>
    public static string RepositoryRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "MeshLite.sln")))
            {
                return directory.FullName;
            }
        }

        throw new ProcessFailedException($"no MeshLite.sln above {AppContext.BaseDirectory}");
    }

    /// <summary>Finds them, or throws with the command that makes them.</summary>
    public static MeshPrograms Find() => Find(Path.Combine(RepositoryRoot(), "out"));

    /// <summary>The same for the <c>out/</c> of another build.</summary>
    public static MeshPrograms Find(string directory)
    {
        var programs = new MeshPrograms(directory);
        foreach (var path in new[] { programs.ControlPlane, programs.Sidecar, programs.Meshctl })
        {
            if (!File.Exists(path))
            {
                throw new ProcessFailedException($"{path} is missing: run `make build`");
            }
        }

        return programs;
    }
}
